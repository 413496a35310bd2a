// The shipping code has static state, and one exploration keeps all cores busy handing the baton around.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
