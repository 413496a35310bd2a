using FastBatch.LoadTests.Rivals;

namespace FastBatch.LoadTests.Harness;

/// <summary>A contender behind an interface, for everything outside the measured loops.</summary>
internal abstract class Contestant(string name, bool isReference)
{
    public string Name => name;

    public bool IsReference => isReference;

    public abstract Measurement ClosedLoop(ReadOnlySpan<Client> clients, bool producesRows, WindowLength length);

    public abstract Measurement OpenLoop(double requestsPerSecond, WindowLength length);
}

internal sealed class Contestant<TContender>() : Contestant(TContender.Name, TContender.IsReference)
    where TContender : struct, IContender<TContender>
{
    public override Measurement ClosedLoop(ReadOnlySpan<Client> clients, bool producesRows, WindowLength length) =>
        Harness.ClosedLoop.Measure<TContender>(clients, producesRows, length);

    public override Measurement OpenLoop(double requestsPerSecond, WindowLength length) =>
        Harness.OpenLoop.Measure<TContender>(requestsPerSecond, length);
}
