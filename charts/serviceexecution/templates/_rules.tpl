{{/* The rights of controller and gateway, used in Roles or ClusterRoles alike: what they call and no more. */}}

{{- define "serviceexecution.controllerRules" -}}
- apiGroups: [serviceexecution.dev]
  resources: [serviceexecutions]
  verbs: [get, list, watch, delete] # delete: spec.ttlSecondsAfterFinished
- apiGroups: [serviceexecution.dev]
  resources: [serviceexecutions/status]
  verbs: [patch]
- apiGroups: [serviceexecution.dev]
  resources: [servicedefinitions]
  verbs: [get, list, watch]
- apiGroups: [serviceexecution.dev]
  resources: [servicedefinitions/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [delete] # those that end with a run, see the admission policy; never read
{{- if .Values.callbacks.allowedUrls }}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [serviceexecution-callbacks]
  verbs: [get] # the keys that sign callbacks
{{- end }}
- apiGroups: [serviceexecution.dev]
  resources: [serviceexecutions/finalizers]
  verbs: [update] # some clusters ask for it before an object may own others and block its deletion
{{- if include "serviceexecution.buildsEnabled" . }}
- apiGroups: [serviceexecution.dev]
  resources: [servicedefinitions/finalizers]
  verbs: [update] # the same for the Jobs of builds
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get] # the enforced level of Pod Security decides on the builder
{{- end }}
- apiGroups: [batch]
  resources: [jobs]
  verbs: [create, get, list, watch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch] # patch: spec.activeDeadlineSeconds alone, see the admission policy
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, get]
- apiGroups: [serviceexecution.dev]
  resources: [datapools]
  verbs: [get, list, watch]
- apiGroups: [serviceexecution.dev]
  resources: [datapools/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, create] # data pools by label; create: those of DataPools, see the admission policy
- apiGroups: [""]
  resources: [events]
  verbs: [create, list] # list: why a Job could make no pod, such as a quota
{{- end -}}

{{- define "serviceexecution.gatewayRules" -}}
- apiGroups: [serviceexecution.dev]
  resources: [serviceexecutions]
  verbs: [get, list, watch, create, patch{{ if .Values.gateway.platformApi.write }}, delete{{ end }}] # patch: spec.cancel alone; delete: of those that have ended; see the admission policy
- apiGroups: [serviceexecution.dev]
  resources: [servicedefinitions]
  verbs: [get, list, watch{{ if .Values.gateway.platformApi.write }}, create, patch, delete{{ end }}] # see the admission policy
- apiGroups: [serviceexecution.dev]
  resources: [datapools]
  verbs: [get, list{{ if .Values.gateway.platformApi.write }}, create, patch, delete{{ end }}]
- apiGroups: [serviceexecution.dev]
  resources: [datapools/status]
  verbs: [patch] # which files there are and when they are wanted, see the admission policy
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [list] # data pools by label
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, get, list, patch, delete] # inputs; the admission policy holds writes to its own
- apiGroups: [""]
  resources: [secrets]
  verbs: [create] # an input's secrets; never read, they go with their ConfigMap
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, watch] # watch: the end of a program whose collector cannot see it
{{- end -}}

{{/* CEL: an owner that is an execution or a service, whose uid the label says; of variables.owners and variables.label. A build's label goes on after it. */}}
{{- define "serviceexecution.ownedByOurs" -}}
variables.owners.exists(owner, owner.?controller.orValue(false) && owner.apiVersion.startsWith('serviceexecution.dev/') && ((owner.kind == 'ServiceExecution' && variables.label == owner.uid) || (owner.kind == 'ServiceDefinition' && variables.label.startsWith(owner.uid + '.'))))
{{- end -}}
