//! Results with tags in a tier. The machines of a test are one process, so that what reaches the memory of one reaches
//! all. So each test looks at what a machine finds that has nothing in memory.

use super::*;
use crate::key::Tag;
use crate::key::tagged::tagged;
use crate::remote::tag_group;
use crate::tags;

fn tag(name: &str) -> Tag {
    Tag::new(&("tier", name))
}

fn site(server: &TestServer) -> Arc<Site> {
    Site::with(server, patient(), Settings::tagged)
}

impl Site {
    fn call_tagged(&self, n: u32, tags: &[Tag], body: impl FnOnce() -> String) -> String {
        let looked = self.function.lookup(&tagged((Serialized(&n), ()), || tags.to_vec()));
        match looked {
            Lookup::Hit(hit) => hit.value(),
            Lookup::Miss(miss) => miss.store(Ok({
                self.runs.fetch_add(1, SeqCst);
                body()
            })),
        }
        .unwrap()
    }

    fn tagged(&self, n: u32, tags: &[Tag], text: &str) -> String {
        self.call_tagged(n, tags, || text.to_owned())
    }

    /// Removes what has a tag, as `invalidate_tag` does for this tier alone, and not in memory.
    fn remove_tag(&self, tag: Tag) {
        let removal = self.tier.begin_to_clear(&tag_group(self.tier.namespace(), tag));
        self.tier.remove(&removal, clock::instant() + Duration::from_secs(1));
    }
}

#[test]
fn entries_whose_tag_was_removed_count_for_nobody() {
    let server = TestServer::default();
    let [a, b] = ["a", "b"].map(tag);
    let one = site(&server);
    one.tagged(1, &[a], "1");
    one.tagged(2, &[a, b], "2");
    one.tagged(3, &[], "3");
    let all = |site: &Site| {
        [(1, &[a][..]), (2, &[a, b]), (3, &[])].map(|(n, tags)| site.tagged(n, tags, "new"))
    };
    assert_eq!(all(&site(&server)), ["1", "2", "3"]);
    one.remove_tag(b);
    assert_eq!(all(&site(&server)), ["1", "new", "3"]);
    assert_eq!(all(&site(&server)), ["1", "new", "3"], "what is computed anew counts");
    one.remove_tag(a);
    assert_eq!(all(&site(&server)), ["new", "new", "3"]);
    // A store that lost the generations has lost the entries.
    server.flush();
    assert_eq!(all(&site(&server)), ["new"; 3]);
}

#[test]
fn a_removal_reaches_the_memory_of_other_machines() {
    let server = TestServer::default();
    let (one, other) = (site(&server), site(&server));
    let tags = ["reaches", "both"].map(tag);
    one.tagged(1, &tags, "a");
    assert_eq!(other.tagged(1, &tags, "b"), "a");
    one.remove_tag(tags[1]);
    assert_eq!((other.memo().len(), one.memo().len()), (0, 0));
    assert_eq!(other.tagged(1, &tags, "b"), "b");
    assert_eq!(one.tagged(1, &tags, "c"), "b");
}

#[test]
fn what_is_computed_while_its_tag_is_removed_is_not_found_later() {
    let server = TestServer::default();
    let (one, other) = (site(&server), site(&server));
    let tags = [tag("meanwhile")];
    let computed = one.call_tagged(1, &tags, || {
        other.remove_tag(tags[0]);
        "old".to_owned()
    });
    assert_eq!((computed.as_str(), one.memo().len()), ("old", 0));
    assert_eq!(site(&server).tagged(1, &tags, "new"), "new");
    assert_eq!(one.tagged(1, &tags, "newer"), "new");
}

/// A reader learns them from the entry, and a writer knows them only at the end.
#[test]
fn tags_of_a_result() {
    let server = TestServer::default();
    let site = || {
        Site::with(&server, patient(), |settings| {
            settings.tags_with(|text: &String| [Tag::new(&("tier", &**text))])
        })
    };
    let one = site();
    // Nobody can tell whether a tag that was not known before was removed meanwhile: so the first result stays here.
    one.tagged(1, &[], "x");
    assert!(server.entries().is_empty());
    one.memo().invalidate(&key(1));
    one.tagged(1, &[], "x");
    assert_eq!(site().tagged(1, &[], "y"), "x");
    one.remove_tag(tag("y"));
    assert_eq!(site().tagged(1, &[], "y"), "x");
    one.remove_tag(tag("x"));
    assert_eq!(site().tagged(1, &[], "y"), "y");
    let other = site();
    let computed = one.call_tagged(2, &[], || {
        other.remove_tag(tag("y"));
        "y".to_owned()
    });
    assert_eq!(computed, "y");
    assert_eq!(site().tagged(2, &[], "z"), "z");
}

#[test]
fn a_removal_that_the_store_has_not_got_holds_here() {
    let server = TestServer::default();
    let tags = [tag("cut off")];
    let one = site(&server);
    one.tagged(1, &tags, "a");
    let other = site(&server);
    other.machine.cut();
    other.remove_tag(tags[0]);
    tags::invalidate(tags[0]);
    assert_eq!(other.tagged(1, &tags, "b"), "b");
    other.machine.heal();
    // Joining sends it.
    assert_eq!(site(&server).tagged(1, &tags, "c"), "c");
}

#[test]
fn inserted_results_have_the_tags_of_their_key() {
    let server = TestServer::default();
    let (one, tags) = (site(&server), [tag("inserted")]);
    let key = Key::of(&tagged((Serialized(&1_u32), ()), || tags.to_vec()));
    one.memo().insert(&key, Ok("a".to_owned()));
    assert_eq!(site(&server).tagged(1, &tags, "b"), "a");
    one.remove_tag(tags[0]);
    assert_eq!(site(&server).tagged(1, &tags, "b"), "b");
}
