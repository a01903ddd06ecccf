//! How long a component may take to compile, known before it is compiled.
//!
//! Compiling a function takes time and memory with the square of its size, once it is large: on one
//! core about 10 ms for 16 KB, 2 s and 130 MB for 256 KB, 8 s and 240 MB for 512 KB. Nothing can stop it
//! on the way. So the squares are added up first.

use wasmparser::{FunctionBody, Parser, Payload};

use super::component::LoadError;

/// What the squares of all functions' sizes may add up to: one function of 512 KB, or 256 of 32 KB. The
/// interpreters of JavaScript and Python that are compiled to components stay below it.
const MOST_SQUARES: u64 = (512 * 1024) * (512 * 1024);

/// Refuses a component that would take longer than seconds to compile. One that is malformed passes: the
/// compiler says what is wrong with it.
pub(super) fn check(component: &[u8]) -> Result<(), LoadError> {
    let (mut squares, mut largest) = (0_u64, 0);
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else { break };
        if let Payload::CodeSectionEntry(body) = payload {
            let size = size(&body);
            largest = largest.max(size);
            squares = squares.saturating_add(size.saturating_mul(size));
        }
    }
    if squares > MOST_SQUARES { Err(LoadError::TooComplex { largest }) } else { Ok(()) }
}

/// Bytes of code, and variables, of which four bytes can declare thousands.
fn size(body: &FunctionBody<'_>) -> u64 {
    let variables = body.get_locals_reader().into_iter().flatten().flatten().map(|(count, _)| u64::from(count));
    variables.fold(body.range().len() as u64, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(functions: &str) -> Vec<u8> {
        wat::parse_str(format!("(component (component (core module {functions})))")).expect("it is good text")
    }

    #[test]
    fn functions_of_common_size_pass() {
        let function = format!("(func {})", "nop ".repeat(10_000));
        assert!(check(&component(&function.repeat(100))).is_ok());
        assert!(check(b"\0asm\x0d\0\x01\0 and then nonsense").is_ok());
    }

    #[test]
    fn a_function_that_would_take_minutes_is_refused() {
        let refused = check(&component(&format!("(func {})", "nop ".repeat(600_000))));
        assert!(matches!(refused, Err(LoadError::TooComplex { largest: 600_000..600_100 })), "{refused:?}");
    }

    #[test]
    fn many_functions_of_many_variables_are_refused() {
        let function = format!("(func (local {}))", "i32 ".repeat(50_000));
        assert!(check(&component(&function)).is_ok());
        assert!(check(&component(&function.repeat(200))).is_err());
    }
}
