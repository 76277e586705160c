//! A program that is edited finds the results of the functions that are as they were, and of no others.
#![allow(clippy::incompatible_msrv, reason = "tests may need a newer Rust than the library does")]

#[path = "it/package.rs"]
#[allow(dead_code)]
mod package;
#[path = "it/support.rs"]
#[allow(dead_code, unused_imports, unused_macros)]
mod support;

use crate::package::Package;

/// Counts the computations of the program.
const RUNS: &str = "
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
static RUNS: AtomicU32 = AtomicU32::new(0);
fn ran<T>(value: T) -> T { RUNS.fetch_add(1, Relaxed); value }
fn runs() -> u32 { RUNS.swap(0, Relaxed) }
";

#[test]
fn each_body_and_each_return_type_finds_its_own_stored_results() {
    let package = Package::new("edited_bodies");
    let run = |function: &str| {
        let printed =
            "fn main() { println!(\"{} {} {:?}\", f(1), runs(), f_memo().stats().discarded); }";
        package.run(&format!(
            "{RUNS}\n#[memokit::memoize(persist = \"stored\")]\n{function}\n{printed}"
        ))
    };
    let original = "fn f(n: u32) -> u32 { ran(n + 1) }";
    let commented = "/// Comments, documentation, attributes and layout do not change the body.
        #[inline(never)]
        fn f(n: u32) -> u32 {
            // The next.
            ran(n + 1)
        }";
    let edited = "fn f(n: u32) -> u32 { ran(n + 2) }";
    let retyped = "fn f(n: u32) -> u64 { ran(u64::from(n) + 1) }";
    for (function, expected) in [
        (original, "2 1 []"),
        (commented, "2 0 []"),
        (edited, "3 1 []"),
        (edited, "3 0 []"),
        (original, "2 0 []"),
        (retyped, "2 1 []"),
        (original, "2 0 []"),
        (retyped, "2 0 []"),
    ] {
        assert_eq!(run(function), expected, "{function}");
    }
}

#[test]
fn version_replaces_the_hash_of_the_body() {
    let package = Package::new("edited_versions");
    let run = |version: &str, body: &str| {
        let main = format!(
            "{RUNS}
            #[memokit::memoize(persist = \"stored\", version = std::env::var(\"VERSION\").unwrap())]
            fn f(n: u32) -> u32 {{ ran({body}) }}
            fn main() {{ println!(\"{{}} {{}}\", f(1), runs()); }}"
        );
        package.write("main.rs", &main);
        package::run(package.command().env("VERSION", version))
    };
    assert_eq!(run("x", "n + 1"), "2 1");
    assert_eq!(run("x", "1 + n"), "2 0");
    assert_eq!(run("xx", "1 + n"), "2 1");
    assert_eq!(run("xx", "1 + n"), "2 0");
    assert_eq!(run("x", "1 + n"), "2 0");
}

/// The functions of a program that an edit above them moves, but none of them is in a function or constant.
const MOVED: &str = r#"
#[memokit::memoize(persist = "stored")]
fn free(n: u32) -> u32 { ran(n) }
struct Type;
impl Type {
    #[memokit::memoize(persist = "stored", skip(self))]
    fn method(&self, n: u32) -> u32 { ran(n) }
    #[memokit::memoize(persist = "stored")]
    fn associated(n: u32) -> u32 { ran(n) }
}
trait Trait {
    #[memokit::memoize(persist = "stored", skip(self))]
    fn default(&self, n: u32) -> u32 { ran(n) }
    fn own(&self, n: u32) -> u32;
}
impl Trait for Type {
    #[memokit::memoize(persist = "stored", skip(self), companion = none)]
    fn own(&self, n: u32) -> u32 { ran(n) }
}
mod inner {
    use crate::ran;
    #[memokit::memoize(persist = "stored")]
    pub fn free(n: u32) -> u32 { ran(n) }
    pub struct Type;
    impl super::Type {
        #[memokit::memoize(persist = "stored", in_impl)]
        pub fn elsewhere(n: u32) -> u32 { ran(n) }
    }
    impl std::ops::Add<u32> for Type {
        type Output = u32;
        #[memokit::memoize(persist = "stored", skip(self), companion = none)]
        fn add(self, n: u32) -> u32 { ran(n) }
    }
}
fn all() -> u32 {
    let own = Type.own(1) + Type.default(1) + Type.method(1) + Type::associated(1);
    free(1) + own + inner::free(1) + Type::elsewhere(1) + (inner::Type + 1)
}
fn local() -> u32 {
    #[memokit::memoize(persist = "stored")]
    fn local(n: u32) -> u32 { ran(n) }
    local(1)
}
fn main() {
    println!("{} {}; {} {}", all(), runs(), local(), runs());
}
"#;

#[test]
fn lines_above_a_function_do_not_change_its_version() {
    let package = Package::new("moved");
    assert_eq!(package.run(&format!("{RUNS}{MOVED}")), "8 8; 1 1");
    assert_eq!(package.run(&format!("{RUNS}{MOVED}")), "8 0; 1 0");
    let above = "#[memokit::memoize]\nfn above(n: u32) -> u32 { n }\n";
    assert_eq!(package.run(&format!("{above}{RUNS}{MOVED}")), "8 0; 1 1");
}

/// The types of one release of a program, with the fields that it gives them. The first is traced, the second is stored
/// by a codec that describes itself, and the third has a field that cannot be traced.
fn release(point: &str, mixed: &str, shop: &str) -> String {
    let fields = |given: &str, what: usize| {
        let parts = given.split(", ").map(|field| field.split(['=', ':']).nth(what).unwrap());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let definition = |given: &str| {
        let fields = fields(given, 0).into_iter().zip(fields(given, 1));
        fields.map(|(name, ty)| format!("{name}: {ty}, ")).collect::<String>()
    };
    let value = |given: &str| {
        let plain = |name: &str| name.rsplit(' ').next().unwrap_or_default().to_owned();
        let fields = fields(given, 0).into_iter().zip(fields(given, 2));
        fields.map(|(name, value)| format!("{}: {value}, ", plain(&name))).collect::<String>()
    };
    format!(
        "{RUNS}
        use std::collections::BTreeMap;
        use chrono::Weekday;
        use serde::{{Deserialize, Serialize}};
        #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
        struct Point {{ {} }}
        #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
        struct Mixed {{ {} #[serde(flatten)] rest: BTreeMap<String, u8> }}
        #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
        struct Shop {{ closed: Weekday, {} }}
        #[memokit::memoize(persist = \"stored\", version = 7)]
        fn point() -> Point {{ ran(first()) }}
        #[memokit::memoize(persist = \"stored\", version = 7, codec = memokit::codec::Cbor)]
        fn mixed() -> Mixed {{ ran(second()) }}
        #[memokit::memoize(persist = \"stored\", version = 7)]
        fn shop() -> Shop {{ ran(third()) }}
        fn first() -> Point {{ Point {{ {} }} }}
        fn second() -> Mixed {{ Mixed {{ {} rest: BTreeMap::new() }} }}
        fn third() -> Shop {{ Shop {{ closed: Weekday::Sun, {} }} }}
        fn main() {{
            assert_eq!((point(), mixed(), shop()), (first(), second(), third()));
            let _ = (point_memo().health().unwrap(), mixed_memo().health().unwrap(), shop_memo().health().unwrap());
            println!(\"{{}}\", runs());
        }}",
        definition(point),
        definition(mixed),
        definition(shop),
        value(point),
        value(mixed),
        value(shop),
    )
}

#[test]
fn another_definition_of_a_type_does_not_find_stored_results() {
    let package = Package::new("edited_types");
    let run = |point, mixed, shop| package.run(&release(point, mixed, shop));
    let (point, mixed, shop) = ("x:u32=1, y:u32=2", "x:u32=1, y:u32=2", "opens:u8=9, closes:u8=18");
    assert_eq!(run(point, mixed, shop), "3");
    assert_eq!(package.run(&format!("\n{}", release(point, mixed, shop))), "0");
    // Fields in another order, a renamed field.
    assert_eq!(run("y:u32=2, x:u32=1", "x:u32=1, z:u32=2", "closes:u8=18, opens:u8=9"), "3");
    // Another type of number, an added field, renamed fields.
    let added = "x:u32=1, y:u32=2, #[serde(default)] z:u32=3";
    assert_eq!(run("x:i32=1, y:i32=2", added, "from:u8=9, to:u8=18"), "3");
    // An added field, another type of a field.
    assert_eq!(
        run(
            "x:u32=1, y:u32=2, z:()=()",
            "x:u32=1, y:String=\"2\".into()",
            "opens:i8=9, closes:i8=18"
        ),
        "3"
    );
    assert_eq!(run("x:u32=1, z:u32=2", "x:u64=1, y:u32=2", "hours:(u8,u8)=(9,18)"), "3");
}

#[test]
fn results_of_an_earlier_definition_are_read_if_they_may_evolve() {
    let package = Package::new("evolving_types");
    let run = |codec: &str, fields: &str, given: &str| {
        package.run(&format!(
            "{RUNS}
            use serde::{{Deserialize, Serialize}};
            #[derive(Serialize, Deserialize, Clone, Debug, Default)]
            struct Article {{ {fields} }}
            #[memokit::memoize(persist = \"stored\", version = 1, evolves, codec = memokit::codec::{codec})]
            fn article(n: u32) -> Article {{ ran(Article {{ {given} ..Article::default() }}) }}
            fn main() {{
                let articles = (article(1), article(2));
                let stats = article_memo().stats();
                article_memo().health().unwrap();
                println!(\"{{articles:?}} {{}} {{:?}}\", runs(), stats.discarded);
            }}"
        ))
    };
    for codec in ["Json", "Cbor"] {
        let (old, given) = ("n: u32, title: String,", "n,");
        let found = |article: &str, rest: &str| {
            let article = |n: u32| format!("Article {{ n: {n}, {article} }}");
            format!("({}, {}) {rest}", article(1), article(2))
        };
        let as_it_was = "title: \"\"";
        assert_eq!(run(codec, old, given), found(as_it_was, "2 []"));
        assert_eq!(run(codec, old, given), found(as_it_was, "0 []"));
        // Fields that have a default, in another place.
        let more = "#[serde(default)] tags: Vec<String>, n: u32, title: String, note: Option<u8>,";
        let read = |n| format!("Article {{ tags: [], n: {n}, title: \"\", note: None }}");
        assert_eq!(run(codec, more, given), format!("({}, {}) 0 []", read(1), read(2)));
        // A field less.
        assert_eq!(run(codec, "n: u32,", given), "(Article { n: 1 }, Article { n: 2 }) 0 []");
        // A field without a default: what cannot be decoded is computed again and counted.
        let discarded = "2 [(2, \"value that its type could not decode\")]";
        let needed = "n: u32, title: String, price: u64,";
        assert_eq!(run(codec, needed, given), found("title: \"\", price: 0", discarded));
        assert_eq!(run(codec, needed, given), found("title: \"\", price: 0", "0 []"));
        // The earlier program reads what the later one has written.
        assert_eq!(run(codec, old, given), found(as_it_was, "0 []"));
    }
}

#[test]
fn another_codec_does_not_find_stored_results() {
    let package = Package::new("edited_codecs");
    let run = |codec: &str| {
        package.run(&format!(
            "{RUNS}
            #[memokit::memoize(persist = \"stored\", codec = memokit::codec::{codec})]
            fn f(n: u32) -> u32 {{ ran(n) }}
            fn main() {{ println!(\"{{}} {{}}\", f(300), runs()); }}"
        ))
    };
    assert_eq!(run("Json"), "300 1");
    assert_eq!(run("Cbor"), "300 1");
    assert_eq!(run("Json"), "300 0");
}

#[test]
fn a_program_and_a_library_of_one_name_do_not_share_results() {
    let package = Package::new("twins");
    let item = "#[memokit::memoize(persist = \"stored\")] pub fn f(n: u32) -> u32 { n + OFFSET }";
    package.write("lib.rs", &format!("const OFFSET: u32 = 1;\n{item}"));
    let run = |main: &str| {
        package.run(&format!("const OFFSET: u32 = 2;\n{item}\nfn main() {{ println!({main}) }}"))
    };
    assert_eq!(run("\"{} {}\", twins::f(1), f(1)"), "2 3");
    assert_eq!(run("\"{} {}\", f(1), twins::f(1)"), "3 2");
    assert_eq!(run("\"{:?} {:?}\", twins::f_memo().health(), f_memo().health()"), "Ok(()) Ok(())");
}

#[test]
fn an_instance_for_a_type_within_main_is_not_stored() {
    let package = Package::new("local_types");
    let block = |name: &str| {
        format!(
            "{{
                struct Local;
                impl Named for Local {{ const NAME: &'static str = {name:?}; }}
                println!(\"{{}} {{}}\", name_of::<Local>(), name_of_memo::<Local>().health().unwrap_err());
            }}"
        )
    };
    let run = |blocks: &str| {
        package.run(&format!(
            "trait Named {{ const NAME: &'static str; }}
            #[memokit::memoize(persist = \"stored\")]
            fn name_of<T: Named + 'static>() -> String {{ T::NAME.to_owned() }}
            fn main() {{ {blocks} }}"
        ))
    };
    let both = run(&(block("first") + &block("second")));
    assert!(both.starts_with("first ") && both.contains("\nsecond "), "{both}");
    assert!(both.contains("local to a function or a constant"), "{both}");
    let second = run(&block("second"));
    assert!(second.starts_with("second "), "{second}");
}
