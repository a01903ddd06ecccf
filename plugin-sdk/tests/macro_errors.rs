//! What the compiler says of an impl that is no plugin, as text beside each case.

#[test]
fn errors_of_the_macro_say_what_would_be_right() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}
