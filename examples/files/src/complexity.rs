//! The cyclomatic complexity of functions: one, and one for each place where control flow branches.

use serde::{Deserialize, Serialize};
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, File, Ident, ImplItemFn, ItemFn, TraitItemFn};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The first is 1.
    pub(crate) line: usize,
    pub(crate) complexity: usize,
}

/// Returns the functions of a file that have a body. A closure belongs to the function around it.
pub(crate) fn of_functions(file: &File) -> Vec<Function> {
    let mut counter = Counter::default();
    counter.visit_file(file);
    counter.found
}

#[derive(Default)]
struct Counter {
    found: Vec<Function>,
    /// The complexity of the function that is visited.
    complexity: usize,
}

impl Counter {
    /// A function in a function does not count for the outer one.
    fn count(&mut self, name: &Ident, body: &Block) {
        let outer = std::mem::replace(&mut self.complexity, 1);
        self.visit_block(body);
        let complexity = std::mem::replace(&mut self.complexity, outer);
        let line = name.span().start().line;
        self.found.push(Function { name: name.to_string(), line, complexity });
    }
}

impl<'ast> Visit<'ast> for Counter {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.count(&function.sig.ident, &function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.count(&function.sig.ident, &function.block);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.count(&function.sig.ident, body);
        }
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.complexity += branches(expr);
        visit::visit_expr(self, expr);
    }
}

/// How many ways there are beside the first.
fn branches(expr: &Expr) -> usize {
    match expr {
        Expr::If(_) | Expr::While(_) | Expr::ForLoop(_) | Expr::Try(_) => 1,
        Expr::Match(found) => found.arms.len().saturating_sub(1),
        Expr::Binary(binary) => usize::from(matches!(binary.op, BinOp::And(_) | BinOp::Or(_))),
        _ => 0,
    }
}
