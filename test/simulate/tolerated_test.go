// SPDX-License-Identifier: Apache-2.0

package simulate_test

// defect is a known defect of Doorbell that the simulation finds.
type defect string

// The known defects. Whoever removes a defect removes its entry in tolerated too.
const (
	// crashRepeatsCancel: if a process dies between a trigger and the end of its event, the next one repeats the cancel that comes
	// before the trigger, which cancels the run.
	crashRepeatsCancel defect = "crash repeats cancel"
	// clockBackHidesLanes: if Redis's clock goes back, lanes are not claimed until the clock has caught up.
	clockBackHidesLanes defect = "clock back hides lanes"
	// refusedCallPauses: if Knock answers 403 to the calls for one user, the whole source is paused.
	refusedCallPauses defect = "refused call pauses"
	// outageDeadLetters: if Knock is out of order for longer than retryFor, the events are dead-lettered.
	outageDeadLetters defect = "outage dead-letters"
)

// tolerated lists the known defects that do not fail a schedule.
var tolerated = map[defect]bool{
	crashRepeatsCancel:  false,
	clockBackHidesLanes: true,
	refusedCallPauses:   false,
	outageDeadLetters:   false,
}
