//! From TOML to nodes.

use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Node, Value};
use crate::config::interpolate::Interpolation;
use crate::config::problem::{Place, Problem};

/// Bytes. toml takes 80 levels of brackets with 80 dotted keys in each, and then drops all those tables by
/// recursion: more than a test's or a worker's stack holds.
const STACK: usize = 64 << 20;

/// The tree of a TOML text; what is not TOML, or cannot be interpolated, is a problem.
pub(in crate::config) fn parse(file: &Arc<Path>, text: &str, interpolation: &mut Interpolation<'_>) -> Option<Node> {
    std::thread::scope(|scope| {
        let parse = || parse_here(file, text, interpolation);
        let thread = std::thread::Builder::new().name("config".to_owned()).stack_size(STACK);
        thread.spawn_scoped(scope, parse).and_then(|parser| parser.join().map_err(|_| std::io::ErrorKind::Other.into()))
    })
    .unwrap_or_else(|error| {
        interpolation.problems.push(Problem::new(&Place::whole(file), format!("cannot be parsed: {error}")));
        None
    })
}

fn parse_here(file: &Arc<Path>, text: &str, interpolation: &mut Interpolation<'_>) -> Option<Node> {
    let lines = Lines::new(file.clone(), text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let place = lines.place(0);
        let value = lines.table(table.get_ref(), 1, interpolation);
        return Some(Node { place, value });
    }
    // What follows a first error in the same line is mostly its echo.
    let mut last = 0;
    for error in errors {
        let place = lines.place(error.span().unwrap_or_default().start);
        if std::mem::replace(&mut last, place.line) != place.line {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            interpolation.problems.push(Problem::new(&place, message));
        }
    }
    None
}

/// Where the lines of a text begin.
struct Lines<'a> {
    file: Arc<Path>,
    text: &'a str,
    starts: Vec<usize>,
    /// Characters before every `BLOCK`th byte: a column takes the same time at the end of a long line.
    blocks: Vec<usize>,
}

const BLOCK: usize = 256;
/// Tables and arrays in each other. What goes on with a config calls itself for each.
const DEEPEST: usize = 64;

impl<'a> Lines<'a> {
    fn new(file: Arc<Path>, text: &'a str) -> Self {
        let newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(newlines).collect();
        let count = |before: &mut usize, block: &[u8]| {
            let here = *before;
            *before += characters(block);
            Some(here)
        };
        let blocks = text.as_bytes().chunks(BLOCK).scan(0, count).collect();
        Self { file, text, starts, blocks }
    }

    /// The place of a byte.
    fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let column = self.characters(offset) - self.characters(self.starts[line - 1]) + 1;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Place { file: self.file.clone(), line: number(line), column: number(column) }
    }

    /// How many characters there are before a byte.
    fn characters(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        let before = self.blocks.get(block).or(self.blocks.last()).copied().unwrap_or_default();
        let start = block.min(self.blocks.len().saturating_sub(1)) * BLOCK;
        before + characters(&self.text.as_bytes()[start..offset])
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, depth: usize, interpolation: &mut Interpolation<'_>) -> Node {
        let place = self.place(value.span().start);
        let value = match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) if depth > DEEPEST => {
                let message = format!("more than {DEEPEST} tables and arrays are inside each other");
                interpolation.broken(Problem::new(&place, message))
            }
            DeValue::String(text) => interpolation.text(text, &place),
            DeValue::Integer(written) => match i64::from_str_radix(written.as_str(), written.radix()) {
                Ok(integer) => Value::Integer(integer),
                Err(_) => interpolation.broken(Problem::new(&place, "the integer does not fit into 64 bits")),
            },
            DeValue::Float(written) => match written.as_str().parse() {
                Ok(float) => Value::Float(float),
                Err(_) => interpolation.broken(Problem::new(&place, "not a number")),
            },
            DeValue::Boolean(boolean) => Value::Boolean(*boolean),
            DeValue::Datetime(datetime) => Value::Datetime(datetime.to_string()),
            DeValue::Array(array) => {
                Value::List(array.iter().map(|element| self.node(element, depth + 1, interpolation)).collect())
            }
            DeValue::Table(table) => self.table(table, depth + 1, interpolation),
        };
        Node { place, value }
    }

    fn table(&self, table: &DeTable<'_>, depth: usize, interpolation: &mut Interpolation<'_>) -> Value {
        let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| Entry {
            key: AsRef::<str>::as_ref(key.get_ref()).to_owned(),
            place: self.place(key.span().start),
            node: self.node(value, depth, interpolation),
        };
        Value::Table(table.iter().map(entry).collect())
    }
}

/// Characters in a piece of UTF-8: bytes that do not continue one.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte as i8) >= -0x40).count()
}
