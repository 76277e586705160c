use memokit::memoize;

#[memoize(instances = "shared")]
fn without_a_key(text: impl AsRef<str>) -> usize {
    text.as_ref().len()
}

#[memoize(key = text, instances = "shared")]
fn with_nothing_to_share(text: &str) -> usize {
    text.len()
}

#[memoize(key = text.as_ref(), instances = "together")]
fn with_another_word(text: impl AsRef<str>) -> usize {
    text.as_ref().len()
}

#[memoize(key = text.as_ref(), instances = "shared")]
fn with_its_name_in_the_body<T: AsRef<str>>(text: T) -> usize {
    size_of::<T>() + text.as_ref().len()
}

#[memoize(key = text.as_ref(), instances = "shared")]
fn with_its_name_in_the_result<T: AsRef<str> + Copy>(text: T) -> T {
    text
}

#[memoize(key = text.as_ref(), instances = "shared")]
fn chosen_by_the_caller<T>(text: impl AsRef<str> + Into<T>) -> usize {
    text.as_ref().len()
}

struct Typed<T>(T);

impl<T: Default + ToString> Typed<T> {
    #[memoize(key = text.as_ref(), instances = "shared")]
    fn in_an_impl(text: impl AsRef<str>) -> String {
        T::default().to_string() + text.as_ref()
    }
}

trait Shown {
    fn shown(&self, text: impl AsRef<str>) -> String;
}

impl Shown for u8 {
    #[memoize(key = text.as_ref(), instances = "shared", companion = none)]
    fn shown(&self, text: impl AsRef<str>) -> String {
        text.as_ref().to_owned()
    }
}

fn main() {}
