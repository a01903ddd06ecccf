;; The cheapest http-wasm guest that does something: it sets one request header. Written by hand, so that no
;; language's runtime is measured with the host (https://http-wasm.io/http-handler-abi/).
(module
  (import "http_handler" "set_header_value" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "x-editedyes")
  (func (export "handle_request") (result i64)
    ;; Kind 0 is the request.
    (call $set (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 8) (i32.const 3))
    ;; 1 in the low half: go on.
    (i64.const 1))
  (func (export "handle_response") (param i32 i32)))
