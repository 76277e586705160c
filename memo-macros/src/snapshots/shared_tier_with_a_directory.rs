fn quote(&self) -> String {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, own "::quote" in_impl, 13115023291551375745,
        0xa1e83ab751befddc2339f1dbe63de793, without_companions(), [String].persist_by:: <
        Json, _ > ("cache/quotes").remote_by:: < Json, _ > (if __memokit::is_isolated() {
        __memokit::Option::None } else { __memokit::Option::Some(redis()) })) .followed()
        .lookup(& (__memokit::element!(self : self), ()))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss.store((move || -> String { self.ask() })())
        }
    }
}
