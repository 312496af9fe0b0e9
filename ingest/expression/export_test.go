// SPDX-License-Identifier: Apache-2.0

package expression

// IsNative reports whether Doorbell evaluates a part of the expression, or all of it, without CEL.
func (x *Expression) IsNative() bool { return x.native != nil }

// EvalNative evaluates the expression without CEL. It reports false if only CEL has the result.
func (x *Expression) EvalNative(in *Input) (value []byte, err error, ok bool) {
	return x.evalNative(in)
}

// EvalCEL evaluates the expression with CEL only.
func (x *Expression) EvalCEL(in *Input) ([]byte, error) { return x.evalCEL(in) }
