// SPDX-License-Identifier: Apache-2.0

package simulate_test

// defect is a known defect of Doorbell that the simulation finds.
type defect string

// outageDeadLetters: each process recognizes an outage of Knock by ten failed calls of its own. With little traffic, an event can use up
// retryFor before that, and is dead-lettered.
const outageDeadLetters defect = "outage dead-letters"

// tolerated lists the known defects, so that they do not fail a schedule. Whoever removes a defect removes its entry too.
var tolerated = map[defect]bool{outageDeadLetters: true}
