// SPDX-License-Identifier: Apache-2.0

//go:build !race

package fault_test

const raceDetector = false
