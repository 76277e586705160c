struct Quote {
    price: u32,
}
::core::compile_error! {
    "`#[memoize]` goes on a function: write it on each function that you want to memoize, not on the item that contains them"
}
