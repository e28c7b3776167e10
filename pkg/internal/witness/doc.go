// Package witness has only tests. They validate what the client sends, and what the
// fake service responds, with libopenapi-validator. The client and the fake both rely
// on kin-openapi and on the same code around it, so their own tests would not notice
// that both are wrong.
//
// It is a module of its own, so that the validator does not reach users of the library.
package witness
