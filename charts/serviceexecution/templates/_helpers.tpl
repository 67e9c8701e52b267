{{- define "serviceexecution.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Prefix of all names; 40 characters leave room for the longest suffix. */}}
{{- define "serviceexecution.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "serviceexecution.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "serviceexecution.selectorLabels" -}}
app.kubernetes.io/name: {{ include "serviceexecution.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/*
Labels of every object, merged so that no key comes twice: server-side apply refuses that. Takes the context, or a
dict of context, component and extra (further labels).
*/}}
{{- define "serviceexecution.labels" -}}
{{- $context := default . .context -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" $context.Chart.Name $context.Chart.Version | replace "+" "_")
  "app.kubernetes.io/version" $context.Chart.AppVersion
  "app.kubernetes.io/managed-by" $context.Release.Service
  "app.kubernetes.io/part-of" "serviceexecution" -}}
{{- if .component }}{{ $_ := set $own "app.kubernetes.io/component" .component }}{{ end -}}
{{- $selector := include "serviceexecution.selectorLabels" $context | fromYaml -}}
{{- merge (dict) $selector $own (default dict .extra) $context.Values.commonLabels | toYaml -}}
{{- end -}}

{{/* Labels of the operator's pods; no versions, so that a new chart alone restarts nothing. Arguments: context, component. */}}
{{- define "serviceexecution.podLabels" -}}
{{- $own := dict "app.kubernetes.io/component" .component "app.kubernetes.io/part-of" "serviceexecution" -}}
{{- $selector := include "serviceexecution.selectorLabels" .context | fromYaml -}}
{{- merge (dict) $selector $own .context.Values.podLabels .context.Values.commonLabels | toYaml -}}
{{- end -}}

{{- define "serviceexecution.controllerServiceAccount" -}}
{{- default (printf "%s-controller" (include "serviceexecution.fullname" .)) .Values.serviceAccount.controllerName -}}
{{- end -}}

{{- define "serviceexecution.gatewayServiceAccount" -}}
{{- default (printf "%s-gateway" (include "serviceexecution.fullname" .)) .Values.serviceAccount.gatewayName -}}
{{- end -}}

{{/* Arguments: context, image. */}}
{{- define "serviceexecution.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (default .context.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "serviceexecution.gatewayUrl" -}}
{{- if .Values.gateway.url -}}
{{- .Values.gateway.url -}}
{{- else -}}
{{- printf "http://%s-gateway-pods.%s.svc:80" (include "serviceexecution.fullname" .) .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{/* A URL of one's own may lead through a proxy to the Service API's port, as it did before pods had one. */}}
{{- define "serviceexecution.podsAtApiPort" -}}
{{- $asked := .Values.gateway.podsAtApiPort -}}
{{- if and .Values.gateway.url (eq $asked "direct") -}}always{{- else -}}{{ $asked }}{{- end -}}
{{- end -}}

{{- define "serviceexecution.storeDirectory" -}}/var/lib/serviceexecution{{- end -}}

{{- define "serviceexecution.storeIsDirectory" -}}
{{- if not .Values.store.url -}}true{{- end -}}
{{- end -}}

{{/*
What a claim's spec says of its volume. A claim that is there already, kept from an earlier release or from before another
mode, is bound: its volume and class cannot be changed, and Helm would try to take out what the template does not say.
Arguments: context, name, storageClassName.
*/}}
{{- define "serviceexecution.claimVolume" -}}
{{- $found := lookup "v1" "PersistentVolumeClaim" .context.Release.Namespace .name -}}
{{- $bound := default dict $found.spec -}}
{{- with default .storageClassName $bound.storageClassName }}
storageClassName: {{ . }}
{{- end }}
{{- with $bound.volumeName }}
volumeName: {{ . }}
{{- end }}
{{- end -}}

{{/* Stops the rendering when values contradict each other in a way that a schema cannot say. */}}
{{- define "serviceexecution.validate" -}}
{{- $store := .Values.store -}}
{{- if eq .Values.mode "large" -}}
{{- if or (not $store.url) (hasPrefix "file:" $store.url) (hasPrefix "memory:" $store.url) -}}
{{- fail "store.url: mode large needs an object store that all replicas reach, such as s3://bucket/prefix" -}}
{{- end -}}
{{- end -}}
{{- if or (hasPrefix "file:" $store.url) (hasPrefix "memory:" $store.url) -}}
{{- fail "store.url: names object stores only; leave it empty to keep results on the volume of store.persistence" -}}
{{- end -}}
{{- if and $store.url (not $store.clusterId) -}}
{{- fail "store.clusterId: an object store needs an id of this cluster, such as production-1, that no other cluster using the bucket has" -}}
{{- end -}}
{{- if and $store.options (not $store.url) -}}
{{- fail "store.options: belong to an object store; name it in store.url, or leave the options out" -}}
{{- end -}}
{{- if and .Values.podDisruptionBudget.enabled (eq .Values.mode "small") -}}
{{- fail "podDisruptionBudget.enabled: needs mode large; mode small has one pod of each, and both must leave a node together" -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled -}}
{{- fail "monitoring: enable either podMonitor or serviceMonitor, else everything is counted twice" -}}
{{- end -}}
{{- if not .Values.serviceAccount.create -}}
{{- range $name := list "controllerName" "gatewayName" -}}
{{- if not (get $.Values.serviceAccount $name) -}}
{{- fail (printf "serviceAccount.%s: name an existing ServiceAccount, or set serviceAccount.create to true" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if eq (include "serviceexecution.controllerServiceAccount" .) (include "serviceexecution.gatewayServiceAccount" .) -}}
{{- fail "serviceAccount.gatewayName: must be another account than the controller's; what speaks HTTP may not have the right to create Jobs" -}}
{{- end -}}
{{- include "serviceexecution.validateVolume" . -}}
{{- include "serviceexecution.validateBuilds" . -}}
{{- end -}}

{{/* Renders env of one container: ours, then the user's. Arguments: context, own (list), extra (list of lists). */}}
{{- define "serviceexecution.env" -}}
{{- $names := list -}}
{{- range .own }}{{ $names = append $names .name }}{{ end -}}
{{- range .extra -}}
{{- if has .name $names -}}
{{- fail (printf "extraEnv: %s is already set, by this chart or twice; an environment variable may be given once" .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- concat .own .extra | toYaml -}}
{{- end -}}

{{/* Settings that controller and gateway share, as a list below "env". */}}
{{- define "serviceexecution.sharedEnv" -}}
{{- $store := .Values.store -}}
{{- $url := default (printf "file://%s" (include "serviceexecution.storeDirectory" .)) $store.url -}}
{{- $env := list
  (dict "name" "SX_STORE_URL" "value" $url)
  (dict "name" "SX_STORE_OPTIONS" "value" (toJson $store.options))
  (dict "name" "SX_CLUSTER_ID" "value" (default "default" $store.clusterId))
  (dict "name" "SX_LOG_LEVEL" "value" (upper .Values.logging.level))
  (dict "name" "SX_LOG_FORMAT" "value" .Values.logging.format)
  (dict "name" "SX_NAMESPACES" "value" (join "," .Values.watchNamespaces))
  (dict "name" "SX_CALLBACK_URLS" "value" (join "," .Values.callbacks.allowedUrls)) -}}
{{- with .Values.tracing.endpoint -}}
{{- $env = append $env (dict "name" "SX_TRACES_URL" "value" .) -}}
{{- end -}}
{{- with .Values.tracing.headersSecret -}}
{{- $env = append $env (dict "name" "SX_TRACES_HEADERS" "valueFrom" (dict "secretKeyRef" (dict "name" . "key" "headers"))) -}}
{{- end -}}
{{- dict "env" $env | toYaml -}}
{{- end -}}

{{/* The gateway's address as clients know it; empty when only they know. */}}
{{- define "serviceexecution.publicUrl" -}}
{{- $gateway := .Values.gateway -}}
{{- if $gateway.publicUrl -}}
{{- $gateway.publicUrl -}}
{{- else if and $gateway.ingress.enabled $gateway.ingress.hosts -}}
{{- ternary "https" "http" (not (empty $gateway.ingress.tls)) }}://{{ first $gateway.ingress.hosts }}
{{- else if and $gateway.httpRoute.enabled $gateway.httpRoute.hostnames -}}
https://{{ first $gateway.httpRoute.hostnames }}
{{- end -}}
{{- end -}}
