fn area(self: Arc<Self>) -> Result<f64, Self::Error> {
    let __memokit_answer = {
        use ::memokit::__private::{self as __memokit, probe::*};
        __memokit::memo!(
            memo, named "area", 3681109663480035169, 0x6830bdfd93b4911d44a1de1ca27c4e76,
            alone(), [errors Result < f64, Self::Error >].error_ttl_millis(2000)
        )
            .lookup(&(__memokit::element!(self : self), ()))
    };
    match __memokit_answer {
        ::memokit::__private::Answer::Hit(__memokit_value) => __memokit_value.give(),
        ::memokit::__private::Answer::Miss(__memokit_turn) => {
            __memokit_turn
                .keep(
                    (move || -> Result<f64, Self::Error> {
                        self.width()? * self.height()?
                    })(),
                )
        }
    }
}
