//! Decides which code is built for users. Code for tests, models and fuzzing may import anything.

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Item, Meta, Stmt, Token};

/// Conditions that never hold in a build for users.
const NEVER: [&str; 3] = ["test", "fuzzing", "memokit_model"];

/// Returns false if a `#[cfg]` among `attributes` cannot hold in a build for users.
pub(crate) fn is_built(attributes: &[Attribute]) -> bool {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let mut conditions = conditions.filter_map(|condition| condition.parse_args().ok());
    conditions.all(|condition| truth(&condition) != Some(false))
}

/// Evaluates a condition. `None` means that it depends on features or on the platform.
fn truth(condition: &Meta) -> Option<bool> {
    let Meta::List(list) = condition else {
        return NEVER.iter().any(|name| condition.path().is_ident(name)).then_some(false);
    };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    let parts: Vec<_> = parts.iter().map(truth).collect();
    if list.path.is_ident("not") {
        return parts.first()?.map(|holds| !holds);
    }
    // One part with this value decides the whole condition.
    let decisive = list.path.is_ident("any");
    if parts.contains(&Some(decisive)) {
        Some(decisive)
    } else if parts.contains(&None) {
        None
    } else {
        Some(!decisive)
    }
}

/// Returns the attributes of a syntax node, if it is one of the listed variants.
macro_rules! attributes {
    ($node:expr, $kind:ident: $($variant:ident)*) => {
        match $node {
            $($kind::$variant(node) => &node.attrs,)*
            _ => &[],
        }
    };
}

pub(crate) fn of_item(item: &Item) -> &[Attribute] {
    attributes!(item, Item: Const Enum ExternCrate Fn ForeignMod Impl Macro Mod Static Struct Trait
        TraitAlias Type Union Use)
}

pub(crate) fn of_statement(statement: &Stmt) -> &[Attribute] {
    attributes!(statement, Stmt: Local Macro)
}

pub(crate) fn of_expression(expression: &Expr) -> &[Attribute] {
    attributes!(expression, Expr: Array Assign Async Await Binary Block Break Call Cast Closure
        Const Continue Field ForLoop Group If Index Let Lit Loop Macro Match MethodCall Paren Path
        Range Reference Repeat Return Struct Try Tuple Unary Unsafe While)
}
