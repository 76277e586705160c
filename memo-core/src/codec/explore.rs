//! The knowledge about a type that tracing has collected, and what the next pass tries.
//!
//! `Deserialize` shows one path at a time: one variant of each enum, an option that is either filled or empty. The
//! explorer therefore deserializes a type repeatedly from sample values, until it has seen every variant and every
//! element. It identifies a container by the type name of its visitor. A type that is used twice is therefore explored
//! once, and a recursive type is recognized.
//!
//! A container inside itself can get a value only after one finite value of it is known (`accepted`). Until then the
//! pass stops. The innermost choice above it (a variant, a filled option, a non-empty sequence) is then `blocked` until
//! another container has been accepted.

use super::samples;
use super::shape::{Kind, Node, NodeId, Shape};

const MAX_PASSES: usize = 4096;
const MAX_VISITS: usize = 1 << 18;
const MAX_DEPTH: usize = 128;

/// Why a type could not be traced.
#[derive(Clone, Debug)]
pub(super) enum Untraced {
    /// postcard does not support the type.
    Unsupported(String),
    /// postcard may support the type, but no sample values show its shape.
    Opaque(String),
}

/// The place of a value that is about to be deserialized.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) parent: NodeId,
    pub(super) index: usize,
}

/// What is known about one node, beyond its shape.
#[derive(Default)]
struct Progress {
    /// Whether a visitor has accepted a value of this node.
    accepted: bool,
    /// The current sample. For an enum, the variant to use when no variant is left to explore.
    choice: usize,
    /// The first sample that the visitor accepted.
    base: usize,
    /// How many values of this node are in progress, one inside another.
    active: usize,
    /// The type name of the visitor, if the node is a container.
    visitor: Option<&'static str>,
    /// Choices that are currently excluded.
    blocked: Vec<usize>,
}

/// Explores the shape of one type.
pub(super) struct Explorer {
    pub(super) shape: Shape,
    progress: Vec<Progress>,
    /// The nodes whose samples this pass has used, in order.
    sampled: Vec<NodeId>,
    /// The leaf whose visitor rejected its sample in this pass.
    refused: Option<NodeId>,
    /// The explorer has stopped the pass, and no choice is blocked for it yet.
    unattributed: bool,
    /// Why tracing must stop, if it must.
    fatal: Option<Untraced>,
    visits: usize,
    depth: usize,
    /// Increases with every new fact. It shows whether a pass has taught anything.
    facts: usize,
}

/// A container in progress. It is passed to [`Explorer::leave`] at its end.
pub(super) struct Entered {
    pub(super) id: NodeId,
    /// Whether to use the shortest known value, because this container is in progress further up.
    pub(super) minimal: bool,
}

impl Explorer {
    pub(super) fn new() -> Self {
        Self {
            shape: Shape::new(),
            progress: vec![Progress::default()],
            sampled: Vec::new(),
            refused: None,
            unattributed: false,
            fatal: None,
            visits: 0,
            depth: 0,
            facts: 0,
        }
    }

    /// Calls `pass` until the shape is complete. `pass` deserializes the type once and reports to this explorer.
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
        self.sampled.clear();
        self.refused = None;
        self.unattributed = false;
        self.depth = 0;
        self.facts
    }

    /// Ends a pass. Reports whether the shape is complete.
    fn end_pass(
        &mut self,
        result: Result<(), String>,
        facts_before: usize,
    ) -> Result<bool, Untraced> {
        if let Some(fatal) = self.fatal.take() {
            return Err(fatal);
        }
        // A type that rejects every sample, but only after it has read its parts, has still shown them.
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

    /// Selects samples that were not tried in this combination. Returns false if there are none.
    ///
    /// A rejection by the visitor of a leaf concerns that leaf. A later rejection (`try_from`) may concern any earlier
    /// value, most likely the last one.
    fn try_next_samples(&mut self) -> bool {
        let suspects = match self.refused {
            Some(leaf) => vec![leaf],
            None => self.sampled.iter().rev().copied().collect(),
        };
        let mut visited = vec![false; self.progress.len()];
        for id in suspects {
            if std::mem::replace(&mut visited[id], true) {
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

    pub(super) fn fail(&mut self, reason: Untraced) {
        self.fatal.get_or_insert(reason);
    }

    /// Finds or makes the node at `slot`. Returns `None` if tracing must stop.
    fn link(&mut self, slot: Slot, kind: Kind, visitor: Option<&'static str>) -> Option<NodeId> {
        self.visits += 1;
        if self.visits > MAX_VISITS {
            self.fail(Untraced::Opaque("it is too large to explore".into()));
            return None;
        }
        if let Some(existing) = self.shape.child(slot.parent, slot.index) {
            if self.is(existing, kind, visitor) {
                return Some(existing);
            }
            self.fail(Untraced::Opaque("its shape depends on its value".into()));
            return None;
        }
        let same_type =
            (0..self.progress.len()).find(|&id| visitor.is_some() && self.is(id, kind, visitor));
        let id = same_type.unwrap_or_else(|| self.add(kind, visitor));
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

    /// Begins a leaf. Returns its node and the sample to offer, or `None` if tracing must stop.
    pub(super) fn begin_leaf(&mut self, slot: Slot, kind: Kind) -> Option<(NodeId, usize)> {
        let id = self.link(slot, kind, None)?;
        self.sampled.push(id);
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

    /// Records a unit, which has no samples. Returns false if tracing must stop.
    pub(super) fn unit(&mut self, slot: Slot, kind: Kind) -> bool {
        let Some(id) = self.link(slot, kind, None) else { return false };
        if !self.progress[id].accepted {
            self.progress[id].accepted = true;
            self.facts += 1;
        }
        true
    }

    /// Begins a container. `visitor` is the type name of its visitor. The content of a variant has none and is
    /// identified by its place. Returns `None` if tracing must stop.
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

    /// Ends a container. `parts` is the number of parts that the visitor of a product took.
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

    /// Returns the number of elements for an option (0 or 1), a sequence or a map.
    pub(super) fn elements(&mut self, entered: &Entered) -> usize {
        let id = entered.id;
        let within_itself = self.progress[id].active > 1;
        if within_itself || self.is_blocked(id, 0) {
            return 0;
        }
        self.sampled.push(id);
        let choice = self.progress[id].choice;
        let wanted = match self.shape.kind(id) {
            Kind::Seq => samples::SEQ_LENGTHS[choice],
            _ => choice,
        };
        let leads_to_unexplored = !self.is_explored(id)
            || self.shape.children(id).any(|child| self.leads_to_unexplored(child));
        if leads_to_unexplored && !entered.minimal { wanted.max(1) } else { wanted }
    }

    /// Reports whether a value of this node would reach something unexplored. A container in progress does not count,
    /// nor does anything behind it, because it gets its shortest value.
    fn leads_to_unexplored(&self, start: NodeId) -> bool {
        let mut seen = vec![false; self.progress.len()];
        let mut pending = vec![start];
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut seen[id], true) || self.progress[id].active > 0 {
                continue;
            }
            if !self.is_explored(id) {
                return true;
            }
            let is_enum = matches!(self.shape.kind(id), Kind::Enum(..));
            pending.extend(self.shape.children(id).enumerate().filter_map(|(index, child)| {
                let choice = if is_enum { index } else { 0 };
                (!self.is_blocked(id, choice)).then_some(child)
            }));
        }
        false
    }

    /// Returns the variant for an enum, or `None` if no value of it can currently be made.
    pub(super) fn variant(&mut self, entered: &Entered) -> Option<usize> {
        let id = entered.id;
        let accepted = self.progress[id].accepted;
        let mut free = (0..self.variant_count(id)).filter(|&index| !self.is_blocked(id, index));
        let unexplored = free.clone().find(|&index| {
            self.shape.child(id, index).is_none_or(|content| self.leads_to_unexplored(content))
        });
        let chosen = match unexplored {
            Some(index) if !(accepted && entered.minimal) => Some(index),
            _ if accepted => Some(self.progress[id].choice),
            // The choice that stopped a variant may have been blocked further down.
            _ => free.next(),
        };
        match chosen {
            Some(index) if !accepted => self.progress[id].choice = index,
            Some(_) => {}
            None => self.unattributed = true,
        }
        chosen
    }

    /// Records that a choice of this container failed. Blocks the choice if the explorer stopped the pass because it
    /// knew no finite value.
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

    /// Records that an enum rejected this index: it has fewer variants than names (`#[serde(alias)]`).
    pub(super) fn no_such_variant(&mut self, id: NodeId, index: usize) {
        if index == 0 {
            self.fail(Untraced::Unsupported(
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
