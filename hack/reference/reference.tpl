{{- /* These templates render docs/reference.md. crd-ref-docs starts with the template gvList. */ -}}

{{- define "gvList" -}}
<!-- `make generate` writes this file from the types in api/v1alpha1. Do not edit it. -->

# Field reference

This page lists every field of the resources [Source](#source) and [ActionMapping](#actionmapping) in the API group `doorbell.dev`.
`kubectl explain source.spec` and `kubectl explain actionmapping.spec` show the same descriptions.

If a field has no default here, its description says what happens if you omit it.
{{ range . }}{{ $gv := . }}{{ $seen := dict }}
{{- range list "Source" "ActionMapping" }}
{{- template "type" (dict "type" ($gv.TypeForKind .) "seen" $seen) }}
{{- end }}{{ end }}
{{- end -}}

{{- /* type renders a type, and then the types of its fields that are not rendered yet. */ -}}
{{- define "type" -}}
{{- $seen := .seen -}}{{- $type := .type -}}{{- $_ := set $seen $type.Name true }}
{{ if $type.GVK }}## {{ else }}### {{ end }}{{ $type.Name }}

{{ $type.Doc | replace "*" "\\*" }}
{{ if $type.References }}
Used in {{ range $i, $reference := $type.SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $reference }}{{ end }}.
{{ end }}
{{- if and $type.EnumValues (not (eq $type.Name "SourceType")) }}
| Value | Meaning |
| --- | --- |
{{ range $type.EnumValues }}| `{{ .Name }}` | {{ template "sentence" (regexReplaceAll "^\\S+ (is )?" .Doc "") }} |
{{ end }}
{{- else }}
{{- template "rules" (dict "of" $type "before" "\nRules: " "after" "\n") }}
{{- end }}
{{- if and $type.Fields (not $type.IsAlias) }}
| Field | Type | Description | Default | Rules |
| --- | --- | --- | --- | --- |
{{ range $type.Fields }}{{ template "field" . }}{{ end }}
{{- end }}
{{- range $type.Fields }}{{ template "next" (dict "type" .Type "seen" $seen) }}{{ end }}
{{- end -}}

{{- define "next" -}}
{{- $seen := .seen -}}{{- $type := .type -}}
{{- if and $type.UnderlyingType (or (eq (printf "%d" $type.Kind) "4") (eq (printf "%d" $type.Kind) "5")) -}}
{{- template "next" (dict "type" $type.UnderlyingType "seen" $seen) -}}
{{- else if and (contains "(#" (markdownRenderTypeLink $type)) (not (hasKey $seen $type.Name)) -}}
{{- template "type" (dict "type" $type "seen" $seen) -}}
{{- end -}}
{{- end -}}

{{- define "field" -}}
| `{{ .Name }}` | {{ template "typeOf" .Type }} | {{ template "sentence" (regexReplaceAll (printf "^%s (is |are )?" .Name) (default "metadata is the standard object metadata." .Doc) "") }} | {{ if and .Default (ne .Default "{  }") }}`{{ .Default }}`{{ end }} | {{ template "rules" (dict "of" . "not" .Type "before" "" "after" "") }} |
{{ end -}}

{{- define "typeOf" -}}
{{- if eq (printf "%d" .Kind) "4" -}}{{- template "typeOf" .UnderlyingType -}}{{- else -}}{{- markdownRenderType . | replace "keys:" "keys: " | replace "values:" "values: " -}}{{- end -}}
{{- end -}}

{{- /* rules lists the rules of a field or type. The rules of a type are listed with the type, not with its fields. */ -}}
{{- define "rules" -}}
{{- $rules := list -}}{{- $inherited := list -}}
{{- if and .not (contains "(#" (markdownRenderTypeLink .not)) -}}{{- $inherited = .not.Validation -}}{{- end -}}
{{- range .of.Validation -}}
{{- $words := splitn ": " 2 . -}}{{- $name := $words._0 -}}{{- $value := $words._1 -}}
{{- if has . $inherited -}}
{{- else if eq $name "Required" -}}{{- $rules = prepend $rules "required" -}}
{{- else if eq $name "MinLength" -}}{{- if ne $value "1" -}}{{- $rules = append $rules (printf "at least %s characters" $value) -}}{{- end -}}
{{- else if eq $name "MaxLength" -}}{{- $rules = append $rules (printf "at most %s characters" $value) -}}
{{- else if eq $name "MinItems" -}}{{- $rules = append $rules (printf "at least %s entries" $value) -}}
{{- else if eq $name "MaxItems" "MaxProperties" -}}{{- $rules = append $rules (printf "at most %s entries" $value) -}}
{{- else if eq $name "Minimum" -}}{{- $rules = append $rules (printf "at least %s" $value) -}}
{{- else if eq $name "Maximum" -}}{{- $rules = append $rules (printf "at most %d" (int64 (float64 $value))) -}}
{{- else if eq $name "items:MaxLength" -}}{{- $rules = append $rules (printf "at most %s characters for each entry" $value) -}}
{{- else if eq $name "ExactlyOneOf" -}}{{- $rules = append $rules (printf "exactly one of %s" (join ", " (splitList " " (trimAll "[]" $value)))) -}}
{{- else if eq $name "AtMostOneOf" -}}{{- $rules = append $rules (printf "at most one of %s" (join ", " (splitList " " (trimAll "[]" $value)))) -}}
{{- else if eq $name "Enum" -}}{{- $rules = append $rules (printf "one of %s" (join ", " (splitList " " (trimAll "[]" $value)))) -}}
{{- end -}}
{{- end -}}
{{- $messages := list -}}
{{- if and .not (contains "(#" (markdownRenderTypeLink .not)) -}}{{- range (index .not.Markers "kubebuilder:validation:XValidation") -}}{{- $messages = append $messages .Message -}}{{- end -}}{{- end -}}
{{- range (index .of.Markers "kubebuilder:validation:XValidation") -}}
{{- if and .Message (not (has .Message $messages)) -}}{{- $rules = append $rules (regexReplaceAll "^(invalid|unknown|no) [A-Za-z ]+: " .Message "") -}}{{- end -}}
{{- end -}}
{{- if $rules -}}{{- .before -}}{{ template "text" (join "; " $rules) }}{{- .after -}}{{- end -}}
{{- end -}}

{{- define "sentence" -}}
{{- template "text" (printf "%s%s" (upper (substr 0 1 .)) (substr 1 -1 .)) -}}
{{- end -}}

{{- /* text puts a text on one line and escapes what Markdown interprets. */ -}}
{{- define "text" -}}
{{- . | trim | replace "\n\n" " " | replace "\n" " " | replace "*" "\\*" | markdownRenderFieldDoc -}}
{{- end -}}
