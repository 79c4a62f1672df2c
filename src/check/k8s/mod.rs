//! `k8s:[NAMESPACE/]KIND/NAME` — an object of the Kubernetes API is ready.
//!
//! An attempt lists what is asked for and judges it. From there on a watch tells of every change, and an attempt that it
//! brings about judges what it told; the clock only calls for another list now and then.

mod api;
mod cluster;
mod discover;
mod endpoints;
mod judge;
mod kubeconfig;
mod lines;
mod resource;
mod store;
mod sum;
mod target;
mod watch;
mod yaml;

#[cfg(test)]
mod tests;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use self::api::{About, Api, Query, Refused};
use self::cluster::{Cluster, Source};
use self::resource::Resource;
use self::store::Store;
use self::target::{Named, Wanted, Which};
use super::{Access, Attempt, Class, Cost, Draft, Kind, Opt, Probe, Reason, Scheme, Verdict};
use crate::net::Net;
use crate::net::watch::Watch;
use crate::plan::problem::Problem;

macro_rules! classes {
    ($($name:ident $code:literal $meaning:literal $causes:expr, $remedy:literal;)*) => {
        $(static $name: Class = Class::new($code, Cost::High, $meaning).causes(&$causes).remedy($remedy);)*
        static CLASSES: &[&Class] = &[$(&$name),*];
    };
}

classes! {
    ABSENT "k8s.absent" "The object does not exist, or the selector matches none."
        ["what creates it has not run yet", "another namespace than meant", "a misspelt name or selector"],
        "Compare with `kubectl get KIND --namespace NAMESPACE`. An object that comes later is noticed at once.";
    PENDING "k8s.pending" "The object exists, but is not ready yet."
        ["a rollout or Job under way", "a Pod that cannot be scheduled, or whose image cannot be pulled",
         "a readiness probe that fails"],
        "Look at `kubectl describe KIND NAME` and at the log of its Pods.";
    STALLED "k8s.stalled" "The object is not ready, and its controller has given up until someone changes something."
        ["a rollout past its `progressDeadlineSeconds`", "a Job that is suspended", "a claim that lost its volume"],
        "Look at `kubectl describe KIND NAME`, and repair or roll back. With `fail-on=k8s.stalled` it ends the wait.";
    FAILED "k8s.failed" "The Job or Pod has failed, and will never be ready. This ends the wait."
        ["a migration or test that failed for good (`backoffLimit`, `activeDeadlineSeconds`)", "a Pod that was evicted"],
        "Look at the log of its Pods; delete it and create it anew.";
    PRESENT "k8s.present" "What must be gone still exists."
        ["a deletion that nobody has asked for yet", "Pods that take their time to end", "a finalizer whose controller is gone"],
        "Look at `deletionTimestamp` and `finalizers` in `kubectl get KIND NAME --output yaml`.";
    FORBIDDEN "k8s.forbidden" "The account that asks is not allowed to look."
        ["a Role without a rule for this resource", "a RoleBinding in another namespace, or for another service account"],
        "Add the rule that the hint shows to a Role, and bind it to the Pod's service account.";
    KIND_UNKNOWN "k8s.kind" "The API server knows no such kind."
        ["a CustomResourceDefinition that is not installed yet", "a misspelt kind", "an API that this cluster is too old or too new for"],
        "Compare with `kubectl api-resources`. A kind that is defined later is noticed.";
    API "k8s.api" "The API server answers with an error, or with what cannot be understood."
        ["an API server that is starting or overloaded", "a URL that is not that of an API server", "a selector that it does not accept"],
        "Ask it by hand: `kubectl get --raw /readyz`.";
    CONFIG "k8s.config" "It is not known which cluster is to be asked, or as whom. This ends the wait."
        ["no kubeconfig, and no Pod with a service account around", "a kubeconfig with a plug-in that fetches credentials"],
        "Run it in a Pod with a service account, or give `kubeconfig=` or `api=`.";
}

static OPTIONS: &[Opt] = &[
    Opt::new("condition", "NAME[=STATUS]", "a condition that it must have (default status True)").repeated(),
    Opt::new("jsonpath", "PATH[==VALUE]", "what the object must hold: $.status.phase==Bound").repeated(),
    Opt::new("selector", "LABELS", "look at all objects with these labels, instead of one by name"),
    Opt::new(
        "min",
        "N",
        "how many must be ready: endpoints of a Service (default 1), or selected objects (all)",
    ),
    Opt::new("absent", "", "wait until it does not exist"),
    Opt::new("ip", "ADDRESS", "this address must be among the Service's ready endpoints"),
    Opt::new(
        "kubeconfig",
        "PATH",
        "which kubeconfig (default: KUBECONFIG, the Pod's account, ~/.kube/config)",
    ),
    Opt::new("context", "NAME", "which context of the kubeconfig (default: the current one)"),
    Opt::new("api", "URL", "URL of an API server that asks for no credentials: kubectl proxy"),
];

/// The kind `k8s`.
pub(super) static KIND: Kind = Kind {
    name: "k8s",
    schemes: &[Scheme::opaque("k8s", "k8s:[NAMESPACE/]KIND/NAME")],
    flag: None,
    summary: "the object is ready: Job complete, rollout finished, Service with ready endpoints …",
    options: &[OPTIONS],
    opposite: &[&ABSENT],
    classes: CLASSES,
    build,
};

fn build(draft: &mut Draft<'_>) -> Option<Box<dyn Probe>> {
    let (source, given) = Source::read(draft);
    let wanted = Wanted::read(draft);
    if draft.inverted && draft.text("absent").is_some() {
        draft.problem(Problem::new("option absent has no opposite").hint("drop it, and 'not' as well"));
    }
    let cluster = OnceCell::new();
    if given {
        match source.cluster() {
            Ok(read) => drop(cluster.set(Ok(read))),
            Err(problem) => draft.problem(problem),
        }
    }
    Some(Box::new(K8s(Rc::new(Inner {
        wanted: wanted?,
        source,
        cluster,
        resource: RefCell::default(),
        store: RefCell::default(),
        live: Cell::default(),
        unwatched: RefCell::default(),
        inverted: draft.inverted,
    }))))
}

/// The probe.
struct K8s(Rc<Inner>);

/// What attempts and the watch share.
struct Inner {
    wanted: Wanted,
    source: Source,
    /// The cluster, once its files have been read.
    cluster: OnceCell<Result<Cluster, Problem>>,
    /// The resource, once it is known.
    resource: RefCell<Option<Rc<Resource>>>,
    store: RefCell<Store>,
    /// Whether a watch is under way.
    live: Cell<bool>,
    /// Why there is none, if that is for want of a rule.
    unwatched: RefCell<Option<Reason>>,
    /// Whether it is waited for that it goes away.
    inverted: bool,
}

impl Probe for K8s {
    fn attempt<'a>(&'a self, attempt: &'a Attempt<'a>) -> LocalBoxFuture<'a, Verdict> {
        self.0.run(attempt).boxed_local()
    }

    fn lacks(&self) -> Option<Problem> {
        self.0.cluster().err().cloned()
    }

    fn access(&self) -> Vec<Access> {
        vec![self.0.wanted.access()]
    }

    fn watch(&self, net: &Rc<Net>) -> Option<Watch> {
        Some(Watch::of(watch::Watching::new(Rc::clone(&self.0), Rc::clone(net))))
    }
}

impl Inner {
    /// The cluster, whose files are read when it is first needed.
    fn cluster(&self) -> Result<&Cluster, &Problem> {
        self.cluster.get_or_init(|| self.source.cluster()).as_ref()
    }

    async fn run(&self, attempt: &Attempt<'_>) -> Verdict {
        let cluster = match self.cluster() {
            Ok(cluster) => cluster,
            Err(problem) => return Verdict::Never(Reason::new(&CONFIG, problem.what.clone())),
        };
        if self.store.borrow_mut().take_news()
            && let Some(verdict) = self.verdict()
        {
            return verdict;
        }
        let api = Api { net: attempt.net, trace: attempt.trace, cluster };
        match self.look(api).await {
            Ok(verdict) => verdict,
            Err(reason) => Verdict::NotYet(reason),
        }
    }

    /// The verdict on what is known.
    fn verdict(&self) -> Option<Verdict> {
        let resource = self.resource.borrow();
        let store = self.store.borrow();
        let verdict = sum::verdict(&self.wanted, resource.as_deref()?, &store.objects());
        // What has failed can still be deleted.
        let verdict = match verdict {
            Verdict::Never(reason) if self.inverted => Verdict::NotYet(reason),
            verdict => verdict,
        };
        Some(match (verdict, &*self.unwatched.borrow()) {
            (Verdict::NotYet(mut reason), Some(unwatched)) => {
                reason.text = format!("{} ({})", reason.text, unwatched.text);
                reason.facts.extend(unwatched.facts.iter().cloned());
                Verdict::NotYet(reason)
            }
            (verdict, _) => verdict,
        })
    }

    /// Lists what is asked for, and judges it.
    async fn look(&self, api: Api<'_>) -> Result<Verdict, Reason> {
        let namespace = self.namespace(api.cluster);
        for resource in self.resources(api).await? {
            let about = About { verb: "list", resource: &resource, namespace };
            let query = self.query(&resource);
            let query: Query<'_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            match api.list(&about, &query).await {
                Ok(listed) => {
                    self.store.borrow_mut().replace(listed.objects, listed.version);
                    self.resource.replace(Some(Rc::new(resource)));
                    return self.verdict().ok_or_else(|| Reason::new(&API, "nothing was listed"));
                }
                Err(Refused::For(reason)) => return Err(reason),
                Err(Refused::Gone) => return Err(Reason::new(&API, "the list changed while it was read")),
                Err(Refused::Unknown) => {}
            }
        }
        self.resource.take();
        Err(Reason::new(&KIND_UNKNOWN, "the API server no longer knows this kind"))
    }

    /// The resources that may hold what is asked for, the best first.
    async fn resources(&self, api: Api<'_>) -> Result<Vec<Resource>, Reason> {
        if let Some(known) = &*self.resource.borrow() {
            return Ok(vec![known.as_ref().clone()]);
        }
        Ok(match &self.wanted.named {
            Named::Known(known) => vec![known.resource()],
            Named::Service => resource::endpoints().into(),
            Named::Other(other) => vec![discover::resource(api, other).await?],
        })
    }

    fn namespace<'a>(&'a self, cluster: &'a Cluster) -> &'a str {
        self.wanted.namespace.as_deref().unwrap_or(&cluster.namespace)
    }

    /// What selects the objects. A name is selected by a field, so that one that does not exist can be watched too.
    fn query(&self, resource: &Resource) -> Vec<(&'static str, String)> {
        vec![match &self.wanted.which {
            Which::Name(name) if resource.plural == "endpointslices" => {
                ("labelSelector", format!("kubernetes.io/service-name={name}"))
            }
            Which::Name(name) => ("fieldSelector", format!("metadata.name={name}")),
            Which::Selector(labels) => ("labelSelector", labels.clone()),
        }]
    }
}

/// Feeds what reads a watch, and what reads a kubeconfig, with anything.
#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(data: &[u8]) {
    let mut lines = lines::Lines::default();
    lines.push(data);
    let mut store = Store::default();
    while let Some(told) = lines.next() {
        store.apply(told);
    }
    for object in store.objects() {
        for name in resource::names() {
            let _ = resource::known(name).map(|known| (known.judge)(object));
        }
    }
    let _ = endpoints::Endpoints::read(store.objects());
    if let Ok(text) = std::str::from_utf8(data) {
        kubeconfig::fuzz(text);
    }
}
