//! The path patterns of one host, segment by segment.
//!
//! Knows paths and the numbers of rules; what else a rule asks for is the caller's.

use super::hash::Table;
use super::path::{Segment, Segments, cut};

/// The root is node 0; there is none while the trie is empty.
#[derive(Debug, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// Numbers of nodes by segment.
    literals: Table<u32>,
    param: Option<u32>,
    /// Rules whose pattern ends here, best first.
    end: Vec<u32>,
    /// Rules whose pattern goes on with `**`, best first.
    rest: Vec<u32>,
}

impl Trie {
    /// Rules with the same pattern are tried in the order in which they are inserted.
    pub(super) fn insert(&mut self, pattern: &Segments, rule: usize) {
        let mut place = self.node_or_root();
        for segment in &pattern.segments {
            place = self.child(place, segment);
        }
        let node = &mut self.nodes[place as usize];
        let rules = if pattern.rest { &mut node.rest } else { &mut node.end };
        rules.push(u32::try_from(rule).expect("a config has fewer than 2^32 routes"));
    }

    /// The first rule that `accept` accepts, among those whose pattern matches, best first.
    ///
    /// Each node is visited once at most, so the work has a bound that the config sets, not the client.
    pub(super) fn find(&self, path: &str, accept: &mut impl FnMut(usize) -> bool) -> Option<usize> {
        self.below(self.nodes.first()?, Some(path.strip_prefix('/')?), accept)
    }

    /// `left` is what follows the slash after the segments that led here.
    fn below(&self, node: &Node, left: Option<&str>, accept: &mut impl FnMut(usize) -> bool) -> Option<usize> {
        let Some(left) = left else {
            return first(&node.end, accept).or_else(|| first(&node.rest, accept));
        };
        let (segment, after) = cut(left);
        let literal = node.literals.get(segment);
        let param = node.param.as_ref().filter(|_| !segment.is_empty());
        for &child in literal.into_iter().chain(param) {
            if let Some(rule) = self.below(&self.nodes[child as usize], after, accept) {
                return Some(rule);
            }
        }
        first(&node.rest, accept)
    }

    fn node_or_root(&mut self) -> u32 {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        0
    }

    fn child(&mut self, parent: u32, segment: &Segment) -> u32 {
        let new = u32::try_from(self.nodes.len()).expect("a config has fewer than 2^32 segments");
        let parent = &mut self.nodes[parent as usize];
        let child = match segment {
            Segment::Literal(literal) => *parent.literals.entry(literal.clone()).or_insert(new),
            Segment::Param => *parent.param.get_or_insert(new),
        };
        if child == new {
            self.nodes.push(Node::default());
        }
        child
    }
}

fn first(rules: &[u32], accept: &mut impl FnMut(usize) -> bool) -> Option<usize> {
    rules.iter().map(|&rule| rule as usize).find(|&rule| accept(rule))
}
