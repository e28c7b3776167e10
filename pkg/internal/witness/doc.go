// Package witness has only tests. They validate the client's requests and the fake
// service's responses with libopenapi-validator. The client and the fake both rely on
// kin-openapi and on the same code around it, so their own tests would not notice that
// both are wrong. They also apply overlay.yaml with another library than the generator.
//
// It is a separate module, so that users of the library do not depend on the validator.
package witness
