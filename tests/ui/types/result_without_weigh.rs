use std::sync::Arc;

use memokit::memoize;

#[derive(Clone)]
struct Row(String);

#[memoize(max_bytes = "1MiB")]
fn row(n: u32) -> Row {
    Row(n.to_string())
}

#[memoize(max_bytes = "1MiB")]
fn rows(n: u32) -> Result<Vec<(u32, Option<Row>)>, String> {
    Ok(vec![(n, Some(Row(n.to_string())))])
}


#[memoize(max_bytes = "1MiB")]
async fn shared(n: u32) -> Arc<[Row]> {
    [Row(n.to_string())].into()
}

#[memoize(max_bytes = "1MiB")]
fn repeated<T: Clone + Send + Sync + serde::Serialize + 'static>(item: T) -> Vec<T> {
    vec![item; 10]
}

struct Table;

impl Table {
    #[memoize(max_bytes = "1MiB", skip(self))]
    fn row(&self, n: u32) -> Box<Row> {
        Box::new(Row(n.to_string()))
    }
}

fn main() {}
