{{/* What builds need: their settings, their registry, and what contradicts itself. */}}

{{/* "true" or nothing. `auto` builds where there is a registry. */}}
{{- define "serviceexecution.buildsEnabled" -}}
{{- $registry := .Values.builds.registry -}}
{{- $enabled := toString .Values.builds.enabled -}}
{{- if or (eq $enabled "true") (and (eq $enabled "auto") (or $registry.address $registry.inCluster.enabled)) -}}true{{- end -}}
{{- end -}}

{{/* The registry as nodes pull from it, and as builds push to it. */}}
{{- define "serviceexecution.registryAddress" -}}
{{- $registry := .Values.builds.registry -}}
{{- if $registry.inCluster.enabled -}}
{{- printf "localhost:%d" (int $registry.inCluster.nodePort) -}}
{{- else -}}
{{- $registry.address -}}
{{- end -}}
{{- end -}}

{{- define "serviceexecution.registryPushAddress" -}}
{{- $registry := .Values.builds.registry -}}
{{- if $registry.inCluster.enabled -}}
{{- printf "%s-registry.%s.svc:5000" (include "serviceexecution.fullname" .) .Release.Namespace -}}
{{- else -}}
{{- default $registry.address $registry.pushAddress -}}
{{- end -}}
{{- end -}}

{{/* Settings of builds as one JSON text, read by the controller. */}}
{{- define "serviceexecution.buildSettings" -}}
{{- $builds := .Values.builds -}}
{{- $registry := dict
  "address" (include "serviceexecution.registryAddress" .)
  "pushAddress" (include "serviceexecution.registryPushAddress" .)
  "insecure" (or $builds.registry.insecure $builds.registry.inCluster.enabled)
  "credentialsSecret" $builds.registry.credentialsSecret
  "mirrors" $builds.registry.mirrors -}}
{{- $limits := dict
  "archive" (toString $builds.limits.archive)
  "context" (toString $builds.limits.context)
  "files" (int $builds.limits.files)
  "image" (toString $builds.limits.image) -}}
{{- dict
  "builder" $builds.builder
  "namespaces" $builds.namespaces
  "seccompProfile" $builds.seccompProfile
  "image" (include "serviceexecution.image" (dict "context" . "image" $builds.image))
  "imagePullPolicy" $builds.image.pullPolicy
  "pythonImage" (printf "%s:{version}-%s" $builds.python.image.repository (default .Chart.AppVersion $builds.python.image.tag))
  "concurrency" (int $builds.concurrency)
  "timeout" $builds.timeout
  "resources" $builds.resources
  "limits" $limits
  "environment" $builds.environment
  "registry" $registry | toJson -}}
{{- end -}}

{{- define "serviceexecution.buildCaFile" -}}
{{- if .Values.builds.caBundle.configMap -}}/etc/serviceexecution/build-ca/ca.crt{{- end -}}
{{- end -}}

{{/* Stops the rendering when the values of builds contradict each other. */}}
{{- define "serviceexecution.validateBuilds" -}}
{{- $builds := .Values.builds -}}
{{- $registry := $builds.registry -}}
{{- if and $registry.inCluster.enabled (or $registry.address $registry.pushAddress) -}}
{{- fail "builds.registry: give either an address or inCluster.enabled; the registry in the cluster has its own addresses" -}}
{{- end -}}
{{- if and (eq (toString $builds.enabled) "true") (not $registry.address) (not $registry.inCluster.enabled) -}}
{{- fail "builds.enabled: builds need a registry; name it in builds.registry.address, or set builds.registry.inCluster.enabled to try it out" -}}
{{- end -}}
{{- if not (or $registry.address $registry.inCluster.enabled) -}}
{{- range $name := list "pushAddress" "insecure" "credentialsSecret" -}}
{{- if get $registry $name -}}
{{- fail (printf "builds.registry.%s: belongs to a registry; name it in builds.registry.address" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.watchNamespaces -}}
{{- range $namespace := $builds.namespaces -}}
{{- if not (has $namespace $.Values.watchNamespaces) -}}
{{- fail (printf "builds.namespaces: %s is not among watchNamespaces, so that nothing is built there; add it to both" $namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $service := .Values.gateway.service -}}
{{- if and $registry.inCluster.enabled (ne $service.type "ClusterIP") (eq (int $service.nodePort) (int $registry.inCluster.nodePort)) -}}
{{- fail (printf "builds.registry.inCluster.nodePort: %d is the gateway's port (gateway.service.nodePort), too; choose another" (int $service.nodePort)) -}}
{{- end -}}
{{- end -}}
