{{/* Two pods on one volume: in mode small controller and gateway share the directory in which results are kept. */}}

{{- define "serviceexecution.volumeIsOnOneNode" -}}
{{- if and (include "serviceexecution.storeIsDirectory" .) (not (has "ReadWriteMany" .Values.store.persistence.accessModes)) -}}true{{- end -}}
{{- end -}}

{{/*
Scheduling rules of the operator's pods: the user's, and with a directory as store also "on one node". Both pods have the
same rule, which each fulfils itself, so that whichever comes first goes where it likes and the other one follows.
"operator" is the one pod that mode small had formerly, with both containers: it has no Lease, so that the new pods wait
until it is gone. They have to be on its node, and may not be beside it.
*/}}
{{- define "serviceexecution.affinity" -}}
{{- $affinity := deepCopy .Values.affinity -}}
{{- if include "serviceexecution.storeIsDirectory" . -}}
{{- $labels := include "serviceexecution.selectorLabels" . | fromYaml -}}
{{- $key := "app.kubernetes.io/component" -}}
{{- $host := "kubernetes.io/hostname" -}}
{{- $parts := list (dict "key" $key "operator" "In" "values" (list "controller" "gateway" "operator")) -}}
{{- $together := dict "topologyKey" $host "labelSelector" (dict "matchLabels" $labels "matchExpressions" $parts) -}}
{{- $before := dict "topologyKey" $host "labelSelector" (dict "matchLabels" (merge (dict $key "operator") $labels)) -}}
{{- $required := "requiredDuringSchedulingIgnoredDuringExecution" -}}
{{- $preferred := "preferredDuringSchedulingIgnoredDuringExecution" -}}
{{- $near := default dict $affinity.podAffinity -}}
{{- if include "serviceexecution.volumeIsOnOneNode" . -}}
{{- $_ := set $near $required (list $together) -}}
{{- else -}}
{{- $wish := dict "weight" 100 "podAffinityTerm" $together -}}
{{- $_ := set $near $preferred (append (default list (get $near $preferred)) $wish) -}}
{{- end -}}
{{- $apart := default dict $affinity.podAntiAffinity -}}
{{- $_ := set $apart $required (append (default list (get $apart $required)) $before) -}}
{{- $_ := set $affinity "podAffinity" $near -}}
{{- $_ := set $affinity "podAntiAffinity" $apart -}}
{{- end -}}
{{- if $affinity -}}{{- toYaml $affinity -}}{{- end -}}
{{- end -}}

{{/* Stops the rendering when two pods could not share the volume. */}}
{{- define "serviceexecution.validateVolume" -}}
{{- if include "serviceexecution.storeIsDirectory" . -}}
{{- if not .Values.store.persistence.enabled -}}
{{- fail "store.persistence.enabled: controller and gateway are two pods and share the volume; leave it true, or name an object store in store.url" -}}
{{- end -}}
{{- if has "ReadWriteOncePod" .Values.store.persistence.accessModes -}}
{{- fail "store.persistence.accessModes: ReadWriteOncePod lets one pod alone mount the volume, and controller and gateway are two; use ReadWriteOnce" -}}
{{- end -}}
{{- end -}}
{{- $near := default dict .Values.affinity.podAffinity -}}
{{- if and (include "serviceexecution.volumeIsOnOneNode" .) (get $near "requiredDuringSchedulingIgnoredDuringExecution") -}}
{{- fail "affinity.podAffinity: controller and gateway already have to be on one node, and Kubernetes wants one pod that fulfils all such rules; use affinity.nodeAffinity, or preferredDuringSchedulingIgnoredDuringExecution" -}}
{{- end -}}
{{- end -}}
