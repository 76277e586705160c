//! Text, bytes and identifiers.

use bytes::Bytes;
use camino::Utf8PathBuf;
use globset::{Glob, GlobBuilder};
use semver::{Version, VersionReq};
use uuid::Uuid;

use crate::row::Row;
use crate::subject::value;

fn glob(configure: fn(&mut GlobBuilder<'_>)) -> Glob {
    let mut builder = GlobBuilder::new("*.rs");
    configure(&mut builder);
    builder.build().expect("a valid pattern")
}

pub fn rows() -> Vec<Row> {
    let request = |text| VersionReq::parse(text).expect("a valid requirement");
    vec![
        value("globset::Glob", || {
            [
                ("no option", glob(|_| {})),
                ("case-insensitive", glob(|builder| _ = builder.case_insensitive(true))),
                ("literal separator", glob(|builder| _ = builder.literal_separator(true))),
            ]
        })
        .seen(|glob| glob.regex().to_owned())
        .way("serde shows the pattern without its options: `key = glob.regex()`, and store the pattern and the options"),
        value("camino::Utf8PathBuf", || {
            [("a/b", Utf8PathBuf::from("a/b")), ("a//b", "a//b".into()), ("c", "c".into())]
        })
        .way("`==` compares components: `key = path.components().collect::<Utf8PathBuf>()`"),
        value("bytes::Bytes", || {
            [("static", Bytes::from_static(b"a")), ("heap", Bytes::from(vec![b'a'])), ("empty", Bytes::new())]
        })
        .row(),
        value("semver::Version", || [("1.0.0", Version::new(1, 0, 0)), ("1.0.1", Version::new(1, 0, 1))]).row(),
        value("semver::VersionReq", move || {
            [("1.0", request("1.0")), ("^1.0", request("^1.0")), (">=1, <2", request(">=1, <2")), ("<2, >=1", request("<2, >=1"))]
        })
        .row(),
        value("uuid::Uuid", || [("nil", Uuid::nil()), ("0", Uuid::from_u128(0)), ("max", Uuid::max())]).row(),
    ]
}
