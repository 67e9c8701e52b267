{{/* The rights of controller and gateway, used in Roles or ClusterRoles alike. No wildcards, no Secrets. */}}

{{- define "serviceexecution.controllerRules" -}}
- apiGroups: [serviceexecution.dev]
  resources: [serviceexecutions]
  verbs: [get, list, watch, delete] # delete: spec.ttlSecondsAfterFinished
- apiGroups: [serviceexecution.dev]
  resources: [serviceexecutions/status]
  verbs: [patch]
- apiGroups: [serviceexecution.dev]
  resources: [serviceexecutions/finalizers]
  verbs: [update] # owner references that block deletion, where the cluster checks them
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
  verbs: [create, get, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch, list] # list: why a Job could make no pod, such as a quota
{{- end -}}

{{- define "serviceexecution.gatewayRules" -}}
- apiGroups: [serviceexecution.dev]
  resources: [serviceexecutions]
  verbs: [get]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
{{- end -}}
