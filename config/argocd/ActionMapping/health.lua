-- SPDX-License-Identifier: Apache-2.0
--
-- Tells Argo CD the health of an ActionMapping. Without this script, Argo CD shows every object of the kind as healthy. To
-- install it, include config/argocd as a component in the overlay that installs Argo CD, or copy it into the ConfigMap
-- argocd-cm:
--
--   data:
--     resource.customizations.health.doorbell.dev_ActionMapping: |
--       (this file)

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

-- isTrue reports whether a condition is present and True.
local function isTrue(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

local function health(status, message)
  return { status = status, message = message or "" }
end

local ready = conditions.Ready
if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "waiting for Doorbell to reconcile the current generation")
end
if isTrue("Stalled") then
  return health("Degraded", conditions.Stalled.message)
end
if isTrue("Ready") then
  return health("Healthy", ready.message)
end
if isTrue("Reconciling") then
  return health("Progressing", conditions.Reconciling.message)
end
return health("Progressing", ready.message)
