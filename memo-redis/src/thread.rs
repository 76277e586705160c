//! The thread that has the connections.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use memo_core::remote::StoreError;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::time::timeout_at;

use crate::links::Links;
use crate::masters::finder::Finder;
use crate::masters::settings::Settings;
use crate::random;
use crate::requests::answer::Answers;
use crate::requests::query::Query;
use crate::sessions::health::Health;
use crate::sessions::session::{Ended, Session, Watch};
use crate::signals::BlockedSignals;

/// The first pause before another attempt to connect. Each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A query for which somebody waits.
pub(crate) struct Request {
    pub(crate) query: Query,
    pub(crate) until: Instant,
    pub(crate) answered: Box<dyn FnOnce(Result<Answers, StoreError>) + Send>,
}

/// A handle to the thread. Once it is dropped, the thread ends the requests that it has, and then itself.
pub(crate) struct Thread {
    requests: mpsc::UnboundedSender<Request>,
    pub(crate) health: Arc<Health>,
    /// A forked process does not have the thread.
    pub(crate) process: u32,
}

impl Thread {
    /// Starts the thread. With `is_another`, the watcher is told first that changes were missed.
    pub(crate) fn start(
        settings: Arc<Settings>,
        watch: Watch,
        is_another: bool,
    ) -> io::Result<Self> {
        let (requests, coming) = mpsc::unbounded_channel();
        let health = Arc::new(Health::new());
        let session = Session {
            finder: Arc::new(Finder::new(Arc::clone(&settings))),
            settings,
            watch,
            links: Arc::new(Links::new()),
            health: Arc::clone(&health),
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        // The new thread has the mask of this one.
        let _blocked = BlockedSignals::begin();
        thread::Builder::new()
            .name("memokit-redis".to_owned())
            .spawn(move || runtime.block_on(serve(session, is_another, coming)))?;
        Ok(Self { requests, health, process: std::process::id() })
    }

    /// Passes a request to the thread, or returns it if there is no thread any more.
    pub(crate) fn pass(&self, request: Request) -> Result<(), Request> {
        self.requests.send(request).map_err(|error| error.0)
    }
}

/// Serves requests until nobody can make any more and all have ended.
async fn serve(session: Session, is_another: bool, mut coming: mpsc::UnboundedReceiver<Request>) {
    let links = Arc::clone(&session.links);
    let keeper = tokio::spawn(keep_connected(Arc::new(session), is_another));
    let (working, mut worked) = mpsc::channel::<()>(1);
    while let Some(request) = coming.recv().await {
        let (links, working) = (Arc::clone(&links), working.clone());
        tokio::spawn(async move {
            answer(&links, request).await;
            drop(working);
        });
    }
    drop(working);
    worked.recv().await;
    keeper.abort();
}

async fn answer(links: &Links, Request { query, until, answered }: Request) {
    let result = if Instant::now() < until {
        timeout_at(until.into(), links.ask(&query)).await.unwrap_or(Err(StoreError::TimedOut))
    } else {
        Err(StoreError::TimedOut)
    };
    answered(result);
}

/// Has one session after the other.
async fn keep_connected(session: Arc<Session>, mut is_told: bool) {
    let mut pause = FIRST_PAUSE;
    loop {
        // A task of its own, because the watcher runs code of others, which may panic.
        let running = Arc::clone(&session);
        let ended = tokio::spawn(async move {
            if is_told {
                running.watch.tell(|watcher| watcher.disconnected());
            }
            let ended = running.run().await;
            running.watch.tell(|watcher| watcher.disconnected());
            ended
        });
        let ended = ended.await;
        is_told = ended.is_err();
        let ended = ended.unwrap_or_else(|_| Ended::by_panic());
        session.health.set(Err(ended.error));
        if ended.was_up {
            pause = FIRST_PAUSE;
        }
        tokio::time::sleep(random::jittered(pause)).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}
