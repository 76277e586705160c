//! The thread that has the connections.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use memo_core::remote::{StoreError, without_signals};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::links::{Links, Node};
use crate::masters::finder::Finder;
use crate::masters::settings::Settings;
use crate::random;
use crate::requests::answer::Answers;
use crate::requests::query::Query;
use crate::sessions::health::Health;
use crate::sessions::session::{Ended, Session, Watch};

/// The first pause before another attempt to connect. Each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// At most this many requests are sent together, so that the answer to the first does not wait for too many others.
const SENT_TOGETHER: usize = 64;

/// A query for which somebody waits.
pub(crate) struct Request {
    pub(crate) query: Query,
    pub(crate) until: Instant,
    pub(crate) answered: Answered,
}

type Answered = Box<dyn FnOnce(Result<Answers, StoreError>) + Send>;

/// A handle to the thread. Once it is dropped, the thread ends the requests that it has, and then itself.
pub(crate) struct Thread {
    pub(crate) requests: mpsc::UnboundedSender<Request>,
    pub(crate) health: Arc<Health>,
    pub(crate) links: Arc<Links>,
    pub(crate) runtime: Handle,
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
        let (health, links) = (Arc::new(Health::new()), Arc::new(Links::new()));
        let session = Session {
            finder: Arc::new(Finder::new(Arc::clone(&settings))),
            settings,
            watch,
            links: Arc::clone(&links),
            health: Arc::clone(&health),
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        without_signals(|| {
            thread::Builder::new()
                .name("memokit-redis".to_owned())
                .spawn(move || runtime.block_on(serve(session, is_another, coming)))
        })?;
        Ok(Self { requests, health, links, runtime: handle, process: std::process::id() })
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
        let mut together = vec![request];
        while together.len() < SENT_TOGETHER {
            let Ok(request) = coming.try_recv() else { break };
            together.push(request);
        }
        let (links, working) = (Arc::clone(&links), working.clone());
        tokio::spawn(async move {
            answer_all(&links, together).await;
            drop(working);
        });
    }
    drop(working);
    worked.recv().await;
    keeper.abort();
}

/// Answers requests that were made at the same time. One by one, each would cost as much as all together.
async fn answer_all(links: &Arc<Links>, mut requests: Vec<Request>) {
    let alone = if requests.len() == 1 { requests.pop() } else { None };
    match (alone, links.only_node()) {
        (Some(request), _) => answer(links, request).await,
        (None, Some(nodes)) => answer_together(links, &nodes[0], requests).await,
        (None, None) => answer_each(links, requests).await,
    }
}

async fn answer_each(links: &Arc<Links>, requests: Vec<Request>) {
    let mut answering = JoinSet::new();
    for request in requests {
        let links = Arc::clone(links);
        answering.spawn(async move { answer(&links, request).await });
    }
    answering.join_all().await;
}

async fn answer_together(links: &Arc<Links>, node: &Node, requests: Vec<Request>) {
    let (queries, mut waiting): (Vec<_>, Vec<_>) = requests
        .into_iter()
        .map(|Request { query, until, answered }| (query, Some((until, answered))))
        .unzip();
    let answers = {
        let mut asked = pin!(node.ask_together(queries.iter()));
        loop {
            let next = waiting.iter().flatten().map(|(until, _)| *until).min();
            let Some(next) = next else { return };
            match timeout_at(next.into(), &mut asked).await {
                Ok(answers) => break answers,
                Err(_) => time_out(&mut waiting),
            }
        }
    };
    let refused = match answers {
        Ok(answers) => end_answered(answers, queries, waiting),
        Err(error) => {
            let ends = waiting.into_iter().flatten();
            return ends.for_each(|(_, answered)| answered(Err(error.clone())));
        }
    };
    answer_each(links, refused).await;
}

/// Who waits, until when, and for what. `None`: he was told.
type Waiting = Option<(Instant, Answered)>;

/// Ends the requests for which nobody waits any more.
fn time_out(waiting: &mut [Waiting]) {
    let now = Instant::now();
    for request in waiting {
        if let Some((_, answered)) = request.take_if(|(until, _)| *until <= now) {
            answered(Err(StoreError::TimedOut));
        }
    }
}

/// Ends the requests that were answered. Returns those that were refused: by itself, each knows what to do.
fn end_answered(
    answers: Vec<Option<Answers>>,
    queries: Vec<Query>,
    waiting: Vec<Waiting>,
) -> Vec<Request> {
    let mut refused = Vec::new();
    for ((answers, query), request) in answers.into_iter().zip(queries).zip(waiting) {
        match (answers, request) {
            (Some(answers), Some((_, answered))) => answered(Ok(answers)),
            (None, Some((until, answered))) => refused.push(Request { query, until, answered }),
            (_, None) => {}
        }
    }
    refused
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
