-- SPDX-License-Identifier: Apache-2.0
--
-- health of a Source for Argo CD, which would otherwise take any object of an unknown kind for healthy. To
-- install it, include config/argocd as a component in the overlay that installs Argo CD, or copy it into the ConfigMap
-- argocd-cm:
--
--   data:
--     resource.customizations.health.doorbell.dev_Source: |
--       (this file)

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function holds(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

local function health(word, message)
  return { status = word, message = message or "" }
end

local ready = conditions.Ready
if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "Doorbell has not seen this version yet")
end
if holds("Stalled") then
  return health("Degraded", conditions.Stalled.message)
end
if holds("Ready") then
  local delivery = obj.spec ~= nil and obj.spec.delivery or nil
  if delivery ~= nil and delivery.suspend then
    return health("Suspended", ready.message)
  end
  return health("Healthy", ready.message)
end
if holds("Reconciling") then
  return health("Progressing", conditions.Reconciling.message)
end
return health("Progressing", ready.message)
