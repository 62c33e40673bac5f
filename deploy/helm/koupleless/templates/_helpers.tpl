{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{/* What all names begin with: the release's, and the chart's where that does not say it already. */}}
{{- define "koupleless.fullname" -}}
{{- $name := .Values.fullnameOverride | default (contains "koupleless" .Release.Name | ternary .Release.Name (printf "%s-koupleless" .Release.Name)) -}}
{{- $name | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "koupleless.controller" -}}
{{ include "koupleless.fullname" . }}-controller
{{- end }}

{{- define "koupleless.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "koupleless.controller" .) }}
{{- else -}}
{{ required "serviceAccount.name: which account is it, where serviceAccount.create is false?" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{/* By which the controller's pod is found; never changes within a release. */}}
{{- define "koupleless.selector" -}}
app.kubernetes.io/name: koupleless
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end }}

{{/* Without what changes with the version of the chart: that alone is no reason for another pod. */}}
{{- define "koupleless.podLabels" -}}
{{ include "koupleless.selector" . }}
app.kubernetes.io/part-of: koupleless
{{- end }}

{{- define "koupleless.labels" -}}
{{ include "koupleless.podLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* (list root "image name") */}}
{{- define "koupleless.image" -}}
{{- $images := (index . 0).Values.images -}}
{{- with $images.registry }}{{ . | trimSuffix "/" }}/{{ end }}{{ index . 1 }}:{{ $images.tag | default (index . 0).Chart.AppVersion }}
{{- end }}

{{/* Options of a program as its arguments, in the order of their names. A number must not become 1e+06. */}}
{{- define "koupleless.options" -}}
{{- $arguments := list -}}
{{- range $name, $value := . -}}
{{- $arguments = append $arguments (printf "--%s=%v" $name (kindIs "float64" $value | ternary (int64 $value) $value)) -}}
{{- end -}}
{{- toYaml $arguments -}}
{{- end }}

{{/* A file of manifests/, which is a link that not every copy of the tree keeps. */}}
{{- define "koupleless.manifest" -}}
{{- $root := index . 0 -}}
{{- $root.Files.Get (index . 1) | required (printf "%s is not in this chart: it is a link into the project's tree; take the packaged chart (make chart)" (index . 1)) -}}
{{- end }}

{{/* (list resources securityContext): what a container may take and do. */}}
{{- define "koupleless.bounds" -}}
resources:
  {{- toYaml (index . 0) | nindent 2 }}
securityContext:
  {{- toYaml (index . 1) | nindent 2 }}
{{- end }}
