use memokit::Weigh;

struct Unweighed(String);

#[derive(Weigh)]
struct Holds {
    number: u32,
    text: Option<Unweighed>,
}

#[derive(Weigh)]
enum Either<T> {
    Own(T),
    Other { rows: Vec<Unweighed> },
}

#[derive(Weigh)]
union Bits {
    whole: u32,
    bytes: [u8; 4],
}

#[derive(Weigh)]
struct Skipped(#[weigh(skip)] String);

#[derive(Weigh)]
#[weigh(shallow)]
struct Whole(#[weigh] String);

fn weighed(_: impl Weigh) {}

fn main() {
    // A type with a wrong attribute is `Weigh` for the rest of the program.
    weighed(Whole(String::new()));
    weighed(Skipped(Unweighed(String::new()).0));
}
