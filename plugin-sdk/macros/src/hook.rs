//! What the macro knows of each hook.

/// A function that a plugin may export beside `configure`.
pub(crate) struct Hook {
    /// Name of the function.
    pub(crate) name: &'static str,
    /// Name of its trait in `tollgate_plugin_sdk::hook`.
    pub(crate) interface: &'static str,
    /// How to write it, for messages.
    pub(crate) signature: &'static str,
    /// Behind `&self`: for each parameter, whether it is `&mut`.
    pub(crate) parameters: &'static [bool],
    /// What it answers, for messages; none need not answer.
    pub(crate) answer: Option<&'static str>,
}

/// Every hook of this version of the contract.
pub(crate) const HOOKS: [Hook; 7] = [
    Hook {
        name: "on_request",
        interface: "OnRequest",
        signature: "fn on_request(&self, request: &mut Request) -> Action",
        parameters: &[true],
        answer: ACTION,
    },
    Hook {
        name: "on_request_body",
        interface: "OnRequestBody",
        signature: "fn on_request_body(&self, request: &mut Request, body: &mut Body) -> Action",
        parameters: &[true, true],
        answer: ACTION,
    },
    Hook {
        name: "on_request_chunk",
        interface: "OnRequestChunk",
        signature: "fn on_request_chunk(&self, request: &Request, chunk: &mut Chunk) -> ChunkAction",
        parameters: &[false, true],
        answer: CHUNK_ACTION,
    },
    Hook {
        name: "on_response",
        interface: "OnResponse",
        signature: "fn on_response(&self, request: &Request, response: &mut Response) -> Action",
        parameters: &[false, true],
        answer: ACTION,
    },
    Hook {
        name: "on_response_body",
        interface: "OnResponseBody",
        signature: "fn on_response_body(&self, request: &Request, response: &mut Response, body: &mut Body) -> Action",
        parameters: &[false, true, true],
        answer: ACTION,
    },
    Hook {
        name: "on_response_chunk",
        interface: "OnResponseChunk",
        signature: "fn on_response_chunk(&self, request: &Request, response: &Response, chunk: &mut Chunk) -> ChunkAction",
        parameters: &[false, false, true],
        answer: CHUNK_ACTION,
    },
    Hook {
        name: "on_log",
        interface: "OnLog",
        signature: "fn on_log(&self, entry: &LogEntry)",
        parameters: &[false],
        answer: None,
    },
];

const ACTION: Option<&str> = Some("this hook answers an action");
const CHUNK_ACTION: Option<&str> = Some("this hook answers a chunk's action");

/// How to write `configure`.
pub(crate) const CONFIGURE: &str = "fn configure(config: Config) -> Result<Self, ConfigError>";

/// The function that an unknown name was probably meant to be.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let known = HOOKS.iter().map(|hook| hook.name).chain(["configure"]);
    let distances = known.map(|known| (distance(name, known), known));
    distances.min().filter(|(distance, known)| *distance <= known.len() / 3).map(|(_, known)| known)
}

/// How many letters to insert, delete or replace (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_hook_is_suggested_only_when_it_is_near() {
        assert_eq!(nearest("on_requst"), Some("on_request"));
        assert_eq!(nearest("onresponse"), Some("on_response"));
        assert_eq!(nearest("configur"), Some("configure"));
        assert_eq!(nearest("on_logs"), Some("on_log"));
        assert_eq!(nearest("helper"), None);
    }
}
