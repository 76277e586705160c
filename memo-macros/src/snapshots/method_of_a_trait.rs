fn area(self: Arc<Self>) -> Result<f64, Self::Error> {
    let __memokit_found = ::memokit::__private::with_names!(
        __memokit::memo!(cache, named "area" "::area", 3681109663480035169,
        0x6830bdfd93b4911d44a1de1ca27c4e76, without_companions(), [errors Result < f64,
        Self::Error >].error_ttl_millis(2000)) .lookup(& (__memokit::element!(self :
        self), ()))
    );
    match __memokit_found {
        ::memokit::__private::Lookup::Hit(__memokit_hit) => __memokit_hit.value(),
        ::memokit::__private::Lookup::Miss(__memokit_miss) => {
            __memokit_miss
                .store(
                    (move || -> Result<f64, Self::Error> {
                        self.width()? * self.height()?
                    })(),
                )
        }
    }
}
