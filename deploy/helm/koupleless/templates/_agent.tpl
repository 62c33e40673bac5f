{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/*
The agent, as an item of the containers of a base's pod: (list root "name of the base's Deployment"). A chart that has this
one as a dependency writes

    {{- include "koupleless.agent.container" (list .Subcharts.koupleless "stock") | nindent 6 }}

Beside it the pod needs the volume "koupleless.agent.volume", and the base's container the mount "koupleless.agent.mount".
*/}}
{{- define "koupleless.agent.container" -}}
{{- $root := index . 0 -}}
{{- $agent := $root.Values.agent -}}
- name: koupleless-agent
  image: {{ include "koupleless.image" (list $root $agent.image) }}
  {{- with $root.Values.images.pullPolicy }}
  imagePullPolicy: {{ . }}
  {{- end }}
  args:
  - --listen=0.0.0.0:{{ index $root.Values.controller.options "agent-port" | default 1239 | int64 }}
  - --http-listen=0.0.0.0:1240
  - --controller={{ include "koupleless.controller" $root }}.{{ $root.Release.Namespace }}.svc:{{ $root.Values.service.port }}
  - --cache-dir={{ $agent.cacheDir }}
  # Twice: plaintext within the cluster.
  - --insecure
  - --insecure
  {{- with $agent.options }}
  {{- include "koupleless.options" . | nindent 2 }}
  {{- end }}
  env:
  - name: KOUPLELESS_BASE_DEPLOYMENT
    value: {{ index . 1 | quote }}
  - name: KOUPLELESS_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  - name: KOUPLELESS_POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: KOUPLELESS_POD_IP
    valueFrom:
      fieldRef:
        fieldPath: status.podIP
  - name: KOUPLELESS_NODE_NAME
    valueFrom:
      fieldRef:
        fieldPath: spec.nodeName
  # Empty where the cluster does not copy this label from the node to its pods.
  - name: KOUPLELESS_ZONE
    valueFrom:
      fieldRef:
        fieldPath: metadata.labels['topology.kubernetes.io/zone']
  ports:
  - name: agent
    containerPort: {{ index $root.Values.controller.options "agent-port" | default 1239 | int64 }}
  - name: agent-http
    containerPort: 1240
  startupProbe:
    httpGet:
      path: /healthz
      port: agent-http
    periodSeconds: 1
    failureThreshold: 60
  livenessProbe:
    httpGet:
      path: /healthz
      port: agent-http
    periodSeconds: 10
    timeoutSeconds: 5
  # Ready when the base is up and takes modules.
  readinessProbe:
    httpGet:
      path: /readyz
      port: agent-http
    periodSeconds: 5
  {{- include "koupleless.bounds" (list $agent.resources $agent.securityContext) | nindent 2 }}
  volumeMounts:
  {{- include "koupleless.agent.mount" $root | nindent 2 }}
{{- end }}

{{/* (root) An item of volumeMounts, of the agent and of the base. */}}
{{- define "koupleless.agent.mount" -}}
- name: koupleless-jars
  mountPath: {{ .Values.agent.cacheDir }}
{{- end }}

{{/* An item of volumes. */}}
{{- define "koupleless.agent.volume" -}}
- name: koupleless-jars
  emptyDir: {}
{{- end }}
