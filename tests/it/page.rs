//! The page of a report, in a browser.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use memokit::memoize;

#[memoize(max = 10, advise)]
fn evicting(n: u64) -> u64 {
    n + 1
}

#[memoize(max_bytes = "1KiB")]
fn weighed(text: &str, times: usize) -> String {
    text.repeat(times)
}

static WEIGHED: AtomicU32 = AtomicU32::new(0);

#[expect(clippy::ptr_arg, reason = "`weigh` gets a reference to the result")]
/// Would never end if a report weighed what a cache holds.
fn weigh_and_report(text: &String) -> usize {
    WEIGHED.fetch_add(1, SeqCst);
    assert!(memokit::report().to_html().contains("<table"));
    text.len()
}

#[memoize(max_bytes = "1KiB", weigh = weigh_and_report, ttl = "1h 30m", idle = "20m")]
fn reporting(text: &str) -> String {
    text.to_owned()
}

#[memoize(persist = "/dev/null/no/folder")]
fn not_stored(text: &str) -> String {
    text.to_owned()
}

fn call_all() {
    for n in 0..4000 {
        evicting(n * n % 37);
    }
    // More often than others in this process: the caches with the fewest calls may be left out.
    for _ in 0..20_000 {
        weighed("<b>&amp;", 40);
        weighed("little", 1);
        not_stored("secret-argument");
    }
}

/// Runs the page in frames of several widths, sorts its table, and has axe look for what a person cannot read or
/// reach. What was found becomes the text of this page.
const HARNESS: &str = r#"<!DOCTYPE html><meta charset="utf-8"><body><script>
const page = PAGE, axe = AXE, found = [];
const look = async (width) => {
  const frame = document.createElement("iframe");
  Object.assign(frame, { srcdoc: page, width, height: 900 });
  const loaded = new Promise((done) => frame.onload = done);
  document.body.append(frame);
  await loaded;
  const inside = frame.contentDocument;
  const root = inside.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`${width}: scrolls to ${root.scrollWidth}`);
  const heading = inside.querySelectorAll("main > table thead th")[1];
  heading.querySelector("button").click();
  const calls = [...inside.querySelectorAll("main > table tbody tr")].map((row) => Number(row.children[1].dataset.rank));
  if (calls.some((count, at) => at && count > calls[at - 1])) found.push(`${width}: not sorted ${calls}`);
  if (heading.getAttribute("aria-sort") !== "descending") found.push(`${width}: not marked as sorted`);
  if (axe) {
    const script = inside.createElement("script");
    script.textContent = axe;
    inside.head.append(script);
    const { violations, passes } = await frame.contentWindow.axe.run(inside);
    if (!passes.some((pass) => pass.id === "color-contrast")) found.push(`${width}: no contrast was measured`);
    for (const { id, nodes } of violations) found.push(`${width}: ${id} ${nodes[0].html} ${nodes[0].failureSummary}`);
  }
};
(async () => {
  for (const width of [320, 360, 800, 1200]) await look(width);
  document.body.textContent = `found ${found.length}: ${found.join("; ")}.`;
})().catch((error) => { document.body.textContent = `found 1: ${error}.`; });
</script></body>"#;

fn as_script(text: &str) -> String {
    serde_json::to_string(text).unwrap().replace('<', "\\u003c")
}

/// Returns the name of the browser, or says that it is not installed.
fn browser() -> Option<&'static str> {
    let is_there = |name: &&str| {
        let mut run = Command::new(name);
        run.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        run.status().is_ok_and(|status| status.success())
    };
    let found = ["chromium", "google-chrome"].into_iter().find(is_there);
    if found.is_none() {
        println!("skipped: no Chromium is installed");
    }
    found
}

/// Returns what the browser makes of a page: its content in the end, and what it has logged.
fn open(browser: &str, page: &Path, folder: &Path, is_dark: bool) -> (String, String) {
    let [output, log] = ["output", "log"].map(|name| folder.join(name));
    let file = |path: &PathBuf| std::fs::File::create(path).unwrap();
    let mut process = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=60000", "--dump-dom"])
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!is_dark)))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(page)
        .stdout(file(&output))
        .stderr(file(&log))
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(120);
    while process.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            process.kill().unwrap();
            process.wait().unwrap();
            panic!("the browser does not end: {}", std::fs::read_to_string(&log).unwrap());
        }
        thread::sleep(Duration::from_millis(50));
    }
    [output, log].map(|path| std::fs::read_to_string(path).unwrap()).into()
}

#[test]
fn a_browser_shows_the_page_at_every_width_and_a_person_can_read_it() {
    let Some(browser) = browser() else { return };
    let axe = std::env::var_os("MEMOKIT_AXE").map(|path| std::fs::read_to_string(path).unwrap());
    if axe.is_none() {
        println!(
            "skipped in part: MEMOKIT_AXE does not name axe.min.js, so contrast is not checked"
        );
    }
    call_all();
    let page = memokit::report().to_html();
    let harness = HARNESS.replacen("PAGE", &as_script(&page), 1).replacen(
        "AXE",
        &axe.map_or("null".to_owned(), |axe| as_script(&axe)),
        1,
    );
    for is_dark in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        std::fs::write(&path, &harness).unwrap();
        let (content, log) = open(browser, &path, folder.path(), is_dark);
        assert!(content.contains("found 0: ."), "{content}\n{log}");
        assert!(!log.contains("CONSOLE"), "{log}");
    }
}

#[test]
fn the_page_has_advice_trouble_and_arguments_unless_they_are_to_be_left_out() {
    call_all();
    let report = memokit::report();
    let page = report.to_html();
    for part in [
        "page::evicting</h2>",
        "max = 10 gives",
        "Hit ratio by capacity",
        "Largest entries",
        "&quot;&lt;b&gt;&amp;amp;&quot;",
        "Results are not kept elsewhere: ",
        "fails</b>",
        "<dt>persist</dt><dd><code>/dev/null/no/folder",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("secret-argument"));
    let report = report.without_keys();
    assert!(!report.to_html().contains("secret-argument"));
    assert!(!report.to_json().contains("secret-argument"));
}

#[test]
fn a_report_runs_no_code_of_a_user_and_has_the_weights_that_entries_have() {
    (0..20_000).for_each(|_| _ = reporting("largest-of-few"));
    let weighed = WEIGHED.load(SeqCst);
    let report = memokit::report();
    let page = report.to_html();
    assert!(report.to_json().contains("largest-of-few"));
    assert_eq!(WEIGHED.load(SeqCst), weighed);
    assert!(page.contains("<td><code>(&quot;largest-of-few&quot;,)</code></td><td>14 B</td>"));
    assert!(page.contains("<dt>ttl</dt><dd><code>1h 30m</code></dd>"));
    assert!(page.contains("<dt>idle</dt><dd><code>20m</code></dd>"));
}

/// Waits until the cache of `evicting` has so many samples.
fn wait_for_samples(count: usize) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        call_all();
        let json: serde_json::Value = serde_json::from_str(&memokit::report().to_json()).unwrap();
        let caches = json["caches"].as_array().unwrap();
        let own = caches
            .iter()
            .find(|cache| cache["stats"]["name"].as_str().unwrap().ends_with("page::evicting"));
        if own.unwrap()["samples"].as_array().unwrap().len() >= count {
            break;
        }
        assert!(Instant::now() < end, "no samples are taken");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn samples_make_a_chart() {
    call_all();
    memokit::sample_every(Duration::MAX);
    wait_for_samples(1);
    memokit::sample_every(Duration::from_secs(1));
    wait_for_samples(2);
    assert!(memokit::report().to_html().contains("Hit ratio over time: lowest"));
    memokit::sample_every(Duration::ZERO);
    assert!(!memokit::report().to_html().contains("Hit ratio over time"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_samples_once_it_asks_for_that() {
    crate::support::restarts!(|| {
        memokit::sample_every(Duration::from_secs(1));
        wait_for_samples(1);
        // SAFETY: the child has only this thread, calls nothing that needs another thread, and does not return.
        let child = unsafe { libc::fork() };
        if child == 0 {
            memokit::sample_every(Duration::ZERO);
            memokit::sample_every(Duration::from_secs(1));
            wait_for_samples(2);
            // SAFETY: `_exit` ends the process, whatever its state.
            unsafe { libc::_exit(0) };
        }
        let mut status = -1;
        // SAFETY: `status` outlives the call.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((waited, status), (child, 0));
    });
}
