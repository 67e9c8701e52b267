{{/* The two containers and what their pods share. */}}

{{- define "serviceexecution.controllerContainer" -}}
{{- $own := (include "serviceexecution.sharedEnv" . | fromYaml).env -}}
{{- $own = concat $own (list
  (dict "name" "SX_GATEWAY_URL" "value" (include "serviceexecution.gatewayUrl" .))
  (dict "name" "SX_COLLECTOR_IMAGE" "value" (include "serviceexecution.image" (dict "context" . "image" .Values.collector.image)))
  (dict "name" "SX_COLLECTOR_IMAGE_PULL_POLICY" "value" .Values.collector.image.pullPolicy)
  (dict "name" "SX_COLLECTOR_RESOURCES" "value" (toJson .Values.collector.resources))
  (dict "name" "SX_LOG_LIMIT" "value" (toString .Values.executions.logLimit))
  (dict "name" "SX_DATA_POOL_STAGE_LIMIT" "value" (toString .Values.executions.stageLimit))
  (dict "name" "SX_RETENTION" "value" .Values.store.retention)
  (dict "name" "SX_SWEEP_BULK" "value" (toString .Values.store.sweep.allowBulk))
  (dict "name" "SX_MISSING_REFERENCE_LIMIT" "value" .Values.executions.missingReferenceLimit)
  (dict "name" "SX_IMAGE_REFUSED_LIMIT" "value" .Values.executions.imageRefusedLimit)
  (dict "name" "SX_DEFAULT_RUN_AS_USER" "value" (.Values.executions.runAsUser | int | toString))
  (dict "name" "SX_HEALTH_PORT" "value" "8081")
  (dict "name" "SX_METRICS_PORT" "value" "9090")
  (dict "name" "SX_LEASE_NAME" "value" (printf "%s-controller" (include "serviceexecution.fullname" .)))
  (dict "name" "SX_LEASE_NAMESPACE" "value" .Release.Namespace)) -}}
{{- if eq .Values.mode "large" -}}
{{- /* Somebody waits for it: another controller leads within 15 seconds when the node of one falls silent. */ -}}
{{- $own = append $own (dict "name" "SX_LEASE_SECONDS" "value" "10") -}}
{{- end }}
{{- if include "serviceexecution.buildsEnabled" . -}}
{{- $own = append $own (dict "name" "SX_BUILDS" "value" (include "serviceexecution.buildSettings" .)) -}}
{{- end }}
name: controller
image: {{ include "serviceexecution.image" (dict "context" . "image" .Values.image) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [serviceexecution-controller]
env:
  {{- include "serviceexecution.env" (dict "context" . "own" $own "extra" (concat .Values.extraEnv .Values.controller.extraEnv)) | nindent 2 }}
{{- include "serviceexecution.credentials" . }}
ports:
  - {name: health, containerPort: 8081, protocol: TCP}
  - {name: metrics, containerPort: 9090, protocol: TCP}
livenessProbe:
  httpGet: {path: /healthz, port: health}
  initialDelaySeconds: 10
  periodSeconds: 15
  timeoutSeconds: 10 # a starved node is no reason to start anew
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 3
  timeoutSeconds: 3
resources:
  {{- toYaml .Values.controller.resources | nindent 2 }}
{{- include "serviceexecution.containerTail" . }}
{{- end -}}

{{- define "serviceexecution.gatewayContainer" -}}
{{- $own := (include "serviceexecution.sharedEnv" . | fromYaml).env -}}
{{- if and (eq .Values.auth.mode "none") (not .Values.auth.allowUnauthenticated) }}
{{- fail "auth.mode none lets everybody run services and read results: set auth.allowUnauthenticated to true, too, if that is what you want." }}
{{- end }}
{{- $own = concat $own (list
  (dict "name" "SX_PORT" "value" "8080")
  (dict "name" "SX_GATEWAY_URL" "value" (include "serviceexecution.gatewayUrl" .))
  (dict "name" "SX_INSTALLATION" "value" (printf "%s/%s" .Release.Namespace (include "serviceexecution.fullname" .)))
  (dict "name" "SX_PODS_PORT" "value" "8081")
  (dict "name" "SX_PODS_AT_API_PORT" "value" (include "serviceexecution.podsAtApiPort" .))
  (dict "name" "SX_METRICS_PORT" "value" "9090")
  (dict "name" "SX_PUBLIC_URL" "value" (include "serviceexecution.publicUrl" .))
  (dict "name" "SX_AUTH_MODE" "value" .Values.auth.mode)
  (dict "name" "SX_TOKEN_SECONDS" "value" (.Values.auth.tokenSeconds | int | toString))
  (dict "name" "SX_WAIT_SECONDS" "value" (.Values.gateway.waitSeconds | int | toString))
  (dict "name" "SX_INPUT_RETENTION" "value" .Values.gateway.inputRetention)
  (dict "name" "SX_ACCELERATORS" "value" (ternary (toJson .Values.gateway.platformApi.accelerators) "" (not (empty .Values.gateway.platformApi.accelerators))))
  (dict "name" "SX_CORS_ORIGINS" "value" (join "," .Values.gateway.corsOrigins))
  (dict "name" "SX_CONSOLE_DIRECTORY" "value" (ternary "/opt/console" "" .Values.gateway.console.enabled))
  (dict "name" "SX_CONSOLE_OPEN_ID_CONNECT" "value" (include "serviceexecution.openIdConnect" .))
  (dict "name" "SX_TRUSTED_PROXIES" "value" (join "," .Values.gateway.trustedProxies))
  (dict "name" "SX_SOURCE_LIMIT" "value" (toString .Values.builds.limits.archive))
  (dict "name" "SX_POOL_FILE_LIMIT" "value" (toString .Values.gateway.dataPools.fileLimit))
  (dict "name" "SX_POOL_LIMIT" "value" (toString .Values.gateway.dataPools.poolLimit))
  (dict "name" "SX_POOL_FILES" "value" (toString (int .Values.gateway.dataPools.poolFiles)))
  (dict "name" "SX_NAMESPACE_POOLS_LIMIT" "value" (toString .Values.gateway.dataPools.namespaceLimit))
  (dict "name" "SX_BUILD_CA_FILE" "value" (include "serviceexecution.buildCaFile" .))) -}}
name: gateway
image: {{ include "serviceexecution.image" (dict "context" . "image" .Values.image) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [serviceexecution-gateway]
env:
  {{- include "serviceexecution.env" (dict "context" . "own" $own "extra" (concat .Values.extraEnv .Values.gateway.extraEnv)) | nindent 2 }}
{{- include "serviceexecution.credentials" . }}
ports:
  - {name: http, containerPort: 8080, protocol: TCP}
  - {name: pods, containerPort: 8081, protocol: TCP}
  - {name: metrics, containerPort: 9090, protocol: TCP}
{{- $sleep := min 5 (int .Values.terminationGracePeriodSeconds) }}
{{- if and (eq .Values.mode "large") (gt $sleep 0) }}
lifecycle:
  preStop:
    sleep: {seconds: {{ $sleep }}} # until no node sends it new connections any more
{{- end }}
livenessProbe:
  httpGet: {path: /healthz, port: http}
  initialDelaySeconds: 10
  periodSeconds: 15
  timeoutSeconds: 10 # a starved node is no reason to start anew
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 3
  timeoutSeconds: 6
resources:
  {{- toYaml .Values.gateway.resources | nindent 2 }}
{{- include "serviceexecution.containerTail" . }}
  {{- with include "serviceexecution.buildCaFile" . }}
  - {name: build-ca, mountPath: {{ dir . }}, readOnly: true}
  {{- end }}
{{- end -}}

{{- define "serviceexecution.openIdConnect" -}}
{{- $provider := .Values.gateway.console.openIdConnect -}}
{{- if ne (empty $provider.issuer) (empty $provider.clientId) -}}
{{- fail "gateway.console.openIdConnect: issuer and clientId belong together; give both, or neither" -}}
{{- end -}}
{{- if $provider.issuer -}}{{ toJson $provider }}{{- end -}}
{{- end -}}

{{- define "serviceexecution.credentials" -}}
{{- with .Values.store.credentialsSecret }}
envFrom:
  - secretRef: {name: {{ . }}}
{{- end }}
{{- end -}}

{{- define "serviceexecution.containerTail" }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if include "serviceexecution.storeIsDirectory" . }}
  - {name: store, mountPath: {{ include "serviceexecution.storeDirectory" . }}}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/*
How many pods, and how the next ones take over. In mode small the old pod is gone before the next one starts: what both
would write is one directory. In mode large the parts of RollingUpdate are said, so that Helm takes them out again when
the mode changes. Arguments: context, replicas.
*/}}
{{- define "serviceexecution.replicas" -}}
{{- if eq .context.Values.mode "small" -}}
replicas: 1
strategy:
  type: Recreate
{{- else -}}
replicas: {{ .replicas }}
strategy:
  type: RollingUpdate
  rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}
{{- end -}}
{{- end -}}

{{/* The pod template apart from its containers. Arguments: context, component, serviceAccount. */}}
{{- define "serviceexecution.podMetadata" -}}
labels:
  {{- include "serviceexecution.podLabels" . | nindent 2 }}
{{- with .context.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The constraints of the values; in mode large, without any, one pod to a node as far as there are nodes. */}}
{{- define "serviceexecution.spread" -}}
{{- $apart := dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway" "matchLabelKeys" (list "pod-template-hash") -}}
{{- default (ternary (list $apart) list (eq .Values.mode "large")) .Values.topologySpreadConstraints | toYaml -}}
{{- end -}}

{{- define "serviceexecution.podSpec" -}}
{{- $values := .context.Values -}}
serviceAccountName: {{ .serviceAccount }}
automountServiceAccountToken: true
enableServiceLinks: false
terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
securityContext:
  {{- toYaml $values.podSecurityContext | nindent 2 }}
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "serviceexecution.affinity" .context }}
affinity:
  {{- . | nindent 2 }}
{{- end }}
{{- with include "serviceexecution.spread" .context | fromYamlArray }}
{{- $labels := merge (dict "app.kubernetes.io/component" $.component) (include "serviceexecution.selectorLabels" $.context | fromYaml) }}
topologySpreadConstraints:
  {{- range . }}
  - {{ merge (dict) . (dict "labelSelector" (dict "matchLabels" $labels)) | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
  {{- if include "serviceexecution.storeIsDirectory" .context }}
  - name: store
    persistentVolumeClaim:
      claimName: {{ default (printf "%s-store" (include "serviceexecution.fullname" .context)) $values.store.persistence.existingClaim }}
  {{- end }}
  {{- if and $values.builds.caBundle.configMap (eq .component "gateway") }}
  - name: build-ca
    configMap:
      name: {{ $values.builds.caBundle.configMap }}
      items: [{key: {{ $values.builds.caBundle.key | quote }}, path: ca.crt}]
  {{- end }}
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
