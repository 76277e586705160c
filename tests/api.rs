//! What the compiler proves of the public types: traits that a later field could take away unnoticed. docs/api.txt
//! lists the items themselves.

use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};

use memokit::*;

fn is_plain<T: Debug + Send + Sync + UnwindSafe + RefUnwindSafe>() {}
fn is_value<T: Debug + Clone + Send + Sync + UnwindSafe + RefUnwindSafe>() {}
fn is_error<T: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn values_can_be_printed_cloned_and_sent() {
    is_value::<Advice>();
    is_value::<Bound>();
    is_value::<Departure>();
    is_value::<Explanation>();
    is_value::<Finding>();
    is_value::<Histogram>();
    is_value::<Key>();
    is_value::<Layer>();
    is_value::<Point>();
    is_value::<Refusal>();
    is_value::<Remover>();
    is_value::<Shared<String>>();
    is_value::<Source>();
    is_value::<Stats>();
    is_value::<Tag>();
    is_value::<Unit>();
    is_value::<Warmed>();
    is_value::<Unordered<Vec<u32>>>();
    is_value::<Entry<String>>();
    is_value::<Memo<String>>();
    is_plain::<Cache>();
    is_plain::<Outcome<String>>();
    is_plain::<Session>();
}

#[test]
fn errors_are_errors_of_any_thread() {
    is_error::<Error>();
    is_error::<DecodeError>();
}
