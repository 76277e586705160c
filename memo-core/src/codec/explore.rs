//! What tracing a type has learned so far, and what the next pass should try.
//!
//! `Deserialize` shows one path at a time: one variant of each enum, an option either filled or not. So a type is
//! deserialized again and again from made-up values until every variant and every element has been seen. Containers
//! are known by their visitor's type name, so a type used twice is explored once and a recursive one is recognised.
//!
//! A container that turns up inside itself can only be given a value once one way to end it is known (`finite`).
//! Until then the pass stops, and the innermost choice above (a variant, a filled option, a non-empty sequence) is
//! `blocked` until some container has become finite.

use super::samples;
use super::shape::{Kind, Node, NodeId, Shape};

const MAX_PASSES: usize = 4096;
const MAX_VISITS: usize = 1 << 18;
const MAX_DEPTH: usize = 128;

/// Why a type could not be traced.
#[derive(Clone, Debug)]
pub(super) enum Untraced {
    /// postcard cannot carry the type at all.
    Uncarried(String),
    /// postcard may carry it, but no made-up values could show its shape.
    Opaque(String),
}

/// Where a value is about to be deserialized.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) parent: NodeId,
    pub(super) index: usize,
}

#[derive(Default)]
struct Progress {
    /// A visitor has accepted a value of this node.
    accepted: bool,
    /// Which sample, or which variant when no variant is left to explore.
    choice: usize,
    /// The first sample that the visitor accepted.
    base: usize,
    /// How many times a value of this node is under way.
    active: usize,
    /// The type name of a container's visitor.
    visitor: Option<&'static str>,
    /// Choices not to be made for now.
    blocked: Vec<usize>,
}

pub(super) struct Explorer {
    pub(super) shape: Shape,
    progress: Vec<Progress>,
    /// The nodes whose samples were used in this pass, in order.
    trail: Vec<NodeId>,
    /// The leaf whose visitor refused its sample in this pass.
    refused: Option<NodeId>,
    /// The pass was stopped by us, and no choice has yet been blocked for it.
    unattributed: bool,
    fatal: Option<Untraced>,
    visits: usize,
    depth: usize,
    /// Grows with everything learned: a pass that teaches nothing is the last.
    facts: usize,
}

/// A container that was entered; given back to [`Explorer::leave`].
pub(super) struct Entered {
    pub(super) id: NodeId,
    /// Give the shortest value known: this container is under way further up.
    pub(super) minimal: bool,
}

impl Explorer {
    pub(super) fn new() -> Self {
        Self {
            shape: Shape::new(),
            progress: vec![Progress::default()],
            trail: Vec::new(),
            refused: None,
            unattributed: false,
            fatal: None,
            visits: 0,
            depth: 0,
            facts: 0,
        }
    }

    /// Calls `pass` until the shape is whole. `pass` deserializes the type once, reporting to this explorer.
    pub(super) fn run(
        this: &std::cell::RefCell<Self>,
        mut pass: impl FnMut() -> Result<(), String>,
    ) -> Result<(), Untraced> {
        for _ in 0..MAX_PASSES {
            let facts_before = this.borrow_mut().begin_pass();
            let result = pass();
            if this.borrow_mut().end_pass(result, facts_before)? {
                return Ok(());
            }
        }
        Err(Untraced::Opaque("its shape takes too many passes to explore".into()))
    }

    fn begin_pass(&mut self) -> usize {
        for progress in &mut self.progress {
            progress.active = 0;
        }
        self.trail.clear();
        self.refused = None;
        self.unattributed = false;
        self.depth = 0;
        self.facts
    }

    /// Whether the shape is whole.
    fn end_pass(
        &mut self,
        result: Result<(), String>,
        facts_before: usize,
    ) -> Result<bool, Untraced> {
        if let Some(fatal) = self.fatal.take() {
            return Err(fatal);
        }
        // A type that refuses every sample only after its parts were taken has shown them all the same.
        if (0..self.progress.len()).all(|id| self.is_explored(id)) {
            return Ok(true);
        }
        let learned = self.facts > facts_before;
        match result {
            Ok(()) if learned => Ok(false),
            Ok(()) => Err(Untraced::Opaque("parts of it are never deserialized".into())),
            Err(_) if self.unattributed => {
                Err(Untraced::Opaque("no finite value of it was found".into()))
            }
            Err(_) if learned && self.refused.is_none() => Ok(false),
            Err(reason) => {
                if self.try_next_samples() {
                    Ok(false)
                } else {
                    Err(Untraced::Opaque(format!(
                        "its Deserialize validates its input and refused every sample ({reason})"
                    )))
                }
            }
        }
    }

    /// Moves on to samples not tried in this combination; false when there are none.
    ///
    /// A refusal by a leaf's own visitor is that leaf's. One that comes later (`try_from`) may be about any value
    /// before it, and is most likely about the last.
    fn try_next_samples(&mut self) -> bool {
        let suspects = match self.refused {
            Some(leaf) => vec![leaf],
            None => self.trail.iter().rev().copied().collect(),
        };
        let mut seen = vec![false; self.progress.len()];
        for id in suspects {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            let count = match self.shape.kind(id) {
                Kind::Leaf(leaf) => samples::count(leaf),
                Kind::Seq => samples::SEQ_LENGTHS.len(),
                Kind::Option | Kind::Map => 2,
                other => unreachable!("{other:?} has no samples"),
            };
            let progress = &mut self.progress[id];
            if progress.choice + 1 < count {
                progress.choice += 1;
                return true;
            }
            progress.choice = progress.base;
        }
        false
    }

    fn is_explored(&self, id: NodeId) -> bool {
        let child_is_known = |index| self.shape.child(id, index).is_some();
        match self.shape.kind(id) {
            Kind::Root | Kind::Option | Kind::Seq | Kind::Newtype(_) | Kind::NewtypeVariant => {
                child_is_known(0)
            }
            Kind::Map => child_is_known(0) && child_is_known(1),
            Kind::Enum(..) => (0..self.variant_count(id)).all(child_is_known),
            Kind::Leaf(_)
            | Kind::Unit
            | Kind::UnitStruct(_)
            | Kind::Tuple(_)
            | Kind::TupleStruct(..)
            | Kind::Struct(..)
            | Kind::UnitVariant
            | Kind::TupleVariant(_)
            | Kind::StructVariant(_) => self.progress[id].accepted,
        }
    }

    pub(super) fn fail(&mut self, why: Untraced) {
        self.fatal.get_or_insert(why);
    }

    /// Finds or makes the node at `slot`. False when tracing has to stop.
    fn link(&mut self, slot: Slot, kind: Kind, visitor: Option<&'static str>) -> Option<NodeId> {
        self.visits += 1;
        if self.visits > MAX_VISITS {
            self.fail(Untraced::Opaque("it is too large to explore".into()));
            return None;
        }
        if let Some(known) = self.shape.child(slot.parent, slot.index) {
            if self.is(known, kind, visitor) {
                return Some(known);
            }
            self.fail(Untraced::Opaque("its shape depends on its value".into()));
            return None;
        }
        let met =
            (0..self.progress.len()).find(|&id| visitor.is_some() && self.is(id, kind, visitor));
        let id = met.unwrap_or_else(|| self.add(kind, visitor));
        let children = &mut self.shape.nodes[slot.parent].children;
        if children.len() <= slot.index {
            children.resize(slot.index + 1, None);
        }
        children[slot.index] = Some(id);
        self.facts += 1;
        Some(id)
    }

    fn is(&self, id: NodeId, kind: Kind, visitor: Option<&'static str>) -> bool {
        self.shape.kind(id) == kind && self.progress[id].visitor == visitor
    }

    fn add(&mut self, kind: Kind, visitor: Option<&'static str>) -> NodeId {
        let slots = match kind {
            Kind::Enum(_, variants) => variants.len(),
            _ => 0,
        };
        let id = self.shape.nodes.len();
        self.shape.nodes.push(Node { kind, children: vec![None; slots] });
        self.progress.push(Progress { visitor, ..Progress::default() });
        self.facts += 1;
        id
    }

    /// A leaf is about to be offered a sample: which node it is, and which sample.
    pub(super) fn begin_leaf(&mut self, slot: Slot, kind: Kind) -> Option<(NodeId, usize)> {
        let id = self.link(slot, kind, None)?;
        self.trail.push(id);
        Some((id, self.progress[id].choice))
    }

    pub(super) fn end_leaf(&mut self, id: NodeId, accepted: bool) {
        if !accepted {
            self.refused = Some(id);
            return;
        }
        let progress = &mut self.progress[id];
        if !progress.accepted {
            progress.accepted = true;
            progress.base = progress.choice;
            self.facts += 1;
        }
    }

    /// A value without samples was taken: a unit.
    pub(super) fn unit(&mut self, slot: Slot, kind: Kind) -> bool {
        let Some(id) = self.link(slot, kind, None) else { return false };
        if !self.progress[id].accepted {
            self.progress[id].accepted = true;
            self.facts += 1;
        }
        true
    }

    /// A container begins. `visitor` names its visitor's type; the content of a variant has none and is known by
    /// its place. None when tracing has to stop.
    pub(super) fn enter(
        &mut self,
        slot: Slot,
        kind: Kind,
        visitor: Option<&'static str>,
        minimal: bool,
    ) -> Option<Entered> {
        let id = self.link(slot, kind, visitor)?;
        if self.depth == MAX_DEPTH {
            self.fail(Untraced::Opaque(format!("it nests deeper than {MAX_DEPTH}")));
            return None;
        }
        let active = self.progress[id].active > 0;
        if active && !self.progress[id].accepted {
            self.unattributed = true;
            return None;
        }
        self.depth += 1;
        self.progress[id].active += 1;
        Some(Entered { id, minimal: minimal || active })
    }

    /// The container has ended; `parts`: how many parts a product's visitor took.
    pub(super) fn leave(&mut self, entered: &Entered, accepted: bool, parts: Option<usize>) {
        let id = entered.id;
        self.depth -= 1;
        self.progress[id].active -= 1;
        if !accepted {
            return;
        }
        if parts.is_some_and(|parts| parts != self.shape.nodes[id].children.len()) {
            self.fail(Untraced::Opaque("how many parts it has depends on its value".into()));
        }
        if !self.progress[id].accepted {
            self.progress[id].accepted = true;
            self.facts += 1;
            for progress in &mut self.progress {
                progress.blocked.clear();
            }
        }
    }

    /// How many elements to give an option (0 or 1), a sequence or a map.
    pub(super) fn elements(&mut self, entered: &Entered) -> usize {
        let id = entered.id;
        let within_itself = self.progress[id].active > 1;
        if within_itself || self.is_blocked(id, 0) {
            return 0;
        }
        self.trail.push(id);
        let choice = self.progress[id].choice;
        let wanted = match self.shape.kind(id) {
            Kind::Seq => samples::SEQ_LENGTHS[choice],
            _ => choice,
        };
        let leads_on =
            !self.is_explored(id) || self.shape.children(id).any(|child| self.leads_on(child));
        if leads_on && !entered.minimal { wanted.max(1) } else { wanted }
    }

    /// Whether a value of this node would come to something unexplored. What lies behind a container that is under
    /// way does not count: that container is given its shortest value.
    fn leads_on(&self, start: NodeId) -> bool {
        let mut seen = vec![false; self.progress.len()];
        let mut ahead = vec![start];
        while let Some(id) = ahead.pop() {
            if std::mem::replace(&mut seen[id], true) || self.progress[id].active > 0 {
                continue;
            }
            if !self.is_explored(id) {
                return true;
            }
            let is_enum = matches!(self.shape.kind(id), Kind::Enum(..));
            ahead.extend(self.shape.children(id).enumerate().filter_map(|(index, child)| {
                let choice = if is_enum { index } else { 0 };
                (!self.is_blocked(id, choice)).then_some(child)
            }));
        }
        false
    }

    /// Which variant to give an enum; None when no value of it can be made now.
    pub(super) fn variant(&mut self, entered: &Entered) -> Option<usize> {
        let id = entered.id;
        let accepted = self.progress[id].accepted;
        let mut free = (0..self.variant_count(id)).filter(|&index| !self.is_blocked(id, index));
        let unexplored = free.clone().find(|&index| {
            self.shape.child(id, index).is_none_or(|content| self.leads_on(content))
        });
        let chosen = match unexplored {
            Some(index) if !(accepted && entered.minimal) => Some(index),
            _ if accepted => Some(self.progress[id].choice),
            // What stopped a variant further down may have been blocked there.
            _ => free.next(),
        };
        match chosen {
            Some(index) if !accepted => self.progress[id].choice = index,
            Some(_) => {}
            None => self.unattributed = true,
        }
        chosen
    }

    /// A choice of this container has failed: if because a value could not be ended, do not make it again for now.
    pub(super) fn block(&mut self, id: NodeId, choice: usize) {
        if std::mem::take(&mut self.unattributed) {
            if !self.is_blocked(id, choice) {
                self.progress[id].blocked.push(choice);
            }
            self.facts += 1;
        }
    }

    fn is_blocked(&self, id: NodeId, choice: usize) -> bool {
        self.progress[id].blocked.contains(&choice)
    }

    /// The enum's identifier refused this index: it has fewer variants than names (`#[serde(alias)]`).
    pub(super) fn no_such_variant(&mut self, id: NodeId, index: usize) {
        if index == 0 {
            self.fail(Untraced::Uncarried(
                "the variants of one of its enums are told apart by name, not by number".into(),
            ));
        }
        self.shape.nodes[id].children.truncate(index);
        self.facts += 1;
    }

    fn variant_count(&self, id: NodeId) -> usize {
        self.shape.nodes[id].children.len()
    }
}
