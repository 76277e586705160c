use memokit::memoize;

#[memoize(skip(conection))]
fn slip(connection: u32, id: u32) -> u32 {
    connection + id
}

#[memoize(skip(zzz))]
fn stranger(a: u32, b: u32) -> u32 {
    a + b
}

#[memoize(skip(a))]
fn no_parameters() {}

#[memoize(skip(self))]
fn no_method(a: u32) -> u32 {
    a
}

#[memoize(skip(b))]
fn in_a_pattern(a: u32, (b, c): (u32, u32)) -> u32 {
    a + b + c
}

#[memoize(skip(a, a))]
fn twice(a: u32) -> u32 {
    a
}

#[memoize(skip())]
fn nothing(a: u32) -> u32 {
    a
}

#[memoize(skip = a)]
fn value(a: u32) -> u32 {
    a
}

#[memoize(skip)]
fn alone(a: u32) -> u32 {
    a
}

#[memoize(skip("a"))]
fn quoted(a: u32) -> u32 {
    a
}

fn main() {}
