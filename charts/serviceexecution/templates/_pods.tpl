{{/* The two containers and what their pods share. */}}

{{- define "serviceexecution.controllerContainer" -}}
{{- $leaseName := ternary (printf "%s-controller" (include "serviceexecution.fullname" .)) "" (eq .Values.mode "large") -}}
{{- $own := (include "serviceexecution.sharedEnv" . | fromYaml).env -}}
{{- $own = concat $own (list
  (dict "name" "SX_NAMESPACES" "value" (join "," .Values.watchNamespaces))
  (dict "name" "SX_GATEWAY_URL" "value" (include "serviceexecution.gatewayUrl" .))
  (dict "name" "SX_COLLECTOR_IMAGE" "value" (include "serviceexecution.image" (dict "context" . "image" .Values.collector.image)))
  (dict "name" "SX_COLLECTOR_IMAGE_PULL_POLICY" "value" .Values.collector.image.pullPolicy)
  (dict "name" "SX_COLLECTOR_RESOURCES" "value" (toJson .Values.collector.resources))
  (dict "name" "SX_LOG_LIMIT" "value" (toString .Values.executions.logLimit))
  (dict "name" "SX_RETENTION" "value" .Values.store.retention)
  (dict "name" "SX_SWEEP_BULK" "value" (toString .Values.store.sweep.allowBulk))
  (dict "name" "SX_MISSING_REFERENCE_LIMIT" "value" .Values.executions.missingReferenceLimit)
  (dict "name" "SX_IMAGE_REFUSED_LIMIT" "value" .Values.executions.imageRefusedLimit)
  (dict "name" "SX_DEFAULT_RUN_AS_USER" "value" (.Values.executions.runAsUser | int | toString))
  (dict "name" "SX_HEALTH_PORT" "value" "8081")
  (dict "name" "SX_METRICS_PORT" "value" "9090")
  (dict "name" "SX_LEASE_NAME" "value" $leaseName)
  (dict "name" "SX_LEASE_NAMESPACE" "value" (ternary .Release.Namespace "" (eq .Values.mode "large")))) -}}
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
{{- $own = append $own (dict "name" "SX_PORT" "value" "8080") -}}
name: gateway
image: {{ include "serviceexecution.image" (dict "context" . "image" .Values.image) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [serviceexecution-gateway]
env:
  {{- include "serviceexecution.env" (dict "context" . "own" $own "extra" (concat .Values.extraEnv .Values.gateway.extraEnv)) | nindent 2 }}
{{- include "serviceexecution.credentials" . }}
ports:
  - {name: http, containerPort: 8080, protocol: TCP}
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

{{/* The pod template apart from its containers. Arguments: context, component, serviceAccount. */}}
{{- define "serviceexecution.podMetadata" -}}
labels:
  {{- include "serviceexecution.podLabels" . | nindent 2 }}
{{- with .context.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
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
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
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
    {{- if $values.store.persistence.enabled }}
    persistentVolumeClaim:
      claimName: {{ default (printf "%s-store" (include "serviceexecution.fullname" .context)) $values.store.persistence.existingClaim }}
    {{- else }}
    emptyDir: {}
    {{- end }}
  {{- end }}
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
