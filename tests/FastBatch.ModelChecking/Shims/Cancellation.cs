using FastBatch.ModelChecking;

namespace FastBatch;

/// <summary>Stands in for the source of the same name: one lock, callbacks run by the thread that cancels.</summary>
internal sealed class CancellationTokenSource
{
    private readonly Lock _gate = new();
    private readonly List<Registration> _registrations = [];
    private bool _isCancelled;

    public CancellationToken Token => new(this);

    public void Cancel()
    {
        List<Registration> registrations;
        lock (_gate)
        {
            _isCancelled = true;
            registrations = [.. _registrations];
        }

        foreach (Registration registration in registrations)
        {
            registration.Run(_gate);
        }
    }

    public CancellationTokenRegistration Register(Action<object?> callback, object? state)
    {
        var registration = new Registration(callback, state);
        lock (_gate)
        {
            if (!_isCancelled)
            {
                _registrations.Add(registration);
                return new CancellationTokenRegistration(this, registration);
            }
        }

        callback(state);
        return default;
    }

    public bool Unregister(Registration registration)
    {
        lock (_gate)
        {
            return registration.TryRemove();
        }
    }

    internal sealed class Registration(Action<object?> callback, object? state)
    {
        private bool _isGone;

        public bool TryRemove()
        {
            bool removed = !_isGone;
            _isGone = true;
            return removed;
        }

        public void Run(Lock gate)
        {
            bool runs;
            lock (gate)
            {
                runs = TryRemove();
            }

            if (runs)
            {
                callback(state);
            }
        }
    }
}

public readonly struct CancellationToken
{
    private readonly CancellationTokenSource? _source;

    internal CancellationToken(CancellationTokenSource source) => _source = source;

    public static System.Threading.CancellationToken None => default;

    public bool CanBeCanceled => _source is not null;

    internal CancellationTokenRegistration UnsafeRegister(Action<object?> callback, object? state) => _source!.Register(callback, state);

    public static implicit operator System.Threading.CancellationToken(CancellationToken token) => new(canceled: token.CanBeCanceled);

    public override int GetHashCode() => CanBeCanceled ? 1 : 0;
}

internal readonly struct CancellationTokenRegistration(CancellationTokenSource? source, CancellationTokenSource.Registration? registration)
    : IDisposable
{
    public void Dispose() => Unregister();

    public bool Unregister() => source?.Unregister(registration!) ?? false;

    public override int GetHashCode() => source is null ? 0 : 1;
}
