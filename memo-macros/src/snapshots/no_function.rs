struct Quote {
    price: u32,
}
::core::compile_error! {
    "`#[memoize]` goes on functions: on each that is to be memoized, not on what holds them"
}
