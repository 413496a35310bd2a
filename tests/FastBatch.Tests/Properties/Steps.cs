using FsCheck;
using FsCheck.Fluent;

namespace FastBatch.Tests.Properties;

/// <summary>What a sequence does to the batcher in one step. Requests are named by number, counted round, so that every sequence makes sense.</summary>
public abstract record Step
{
    public sealed record Submit(SubmitForm Form, bool Poison, bool Cancellable) : Step;

    public sealed record Cancel(int Request) : Step;

    /// <summary>The batch that the model holds ends.</summary>
    public sealed record Run(bool Throws) : Step;

    /// <summary>The policy drops the next batch, or throws.</summary>
    public sealed record Policy(bool Throws) : Step;

    public sealed record Attach(int Request) : Step;

    public sealed record Take(int Request) : Step;

    public sealed record ReadLease(int Request) : Step;

    public sealed record DisposeLease(int Request) : Step;

    public sealed record Dispose : Step;
}

public enum SubmitForm
{
    Copy,
    Lease,
    InPlace,
    WriterThrows,
    CancelledBefore,
}

/// <summary>The settings of the batcher, and what is done to it.</summary>
public sealed record Story(int MaxBatchSize, int Capacity, OverloadMode Overload, Driver Driver, bool Isolates, Step[] Steps)
{
    private static readonly Gen<int> Number = Gen.Choose(0, 11);

    private static readonly Gen<Step> AnyStep = Gen.Frequency(
        (8, Gen.Elements(SubmitForm.Copy, SubmitForm.Copy, SubmitForm.Lease, SubmitForm.InPlace, SubmitForm.WriterThrows, SubmitForm.CancelledBefore)
            .SelectMany(form => Gen.Choose(0, 7).Select(dice => (Step)new Step.Submit(form, Poison: dice == 0, Cancellable: dice % 2 == 0)))),
        (3, Number.Select(number => (Step)new Step.Cancel(number))),
        (6, Gen.Choose(0, 7).Select(dice => (Step)new Step.Run(dice == 0))),
        (1, Gen.Elements(true, false).Select(throws => (Step)new Step.Policy(throws))),
        (2, Number.Select(number => (Step)new Step.Attach(number))),
        (5, Number.Select(number => (Step)new Step.Take(number))),
        (2, Number.Select(number => (Step)new Step.ReadLease(number))),
        (2, Number.Select(number => (Step)new Step.DisposeLease(number))),
        (1, Gen.Choose(0, 3).Select(dice => dice == 0 ? (Step)new Step.Dispose() : new Step.Run(false))));

    public static Arbitrary<Story> Any { get; } = Arb.From(
        from maxBatchSize in Gen.Choose(1, 4)
        from more in Gen.Choose(0, 3)
        from overload in Gen.Elements(OverloadMode.Wait, OverloadMode.Reject)
        from driver in Gen.Elements(Enum.GetValues<Driver>())
        from isolates in Gen.Elements(true, false)
        from steps in Gen.ArrayOf(AnyStep)
        select new Story(maxBatchSize, maxBatchSize + more, overload, driver, isolates, steps),
        Shrink);

    public override string ToString() =>
        $"batches of {MaxBatchSize}, {Capacity} rows, {Overload}, {Driver}, {(Isolates ? "isolating" : "not isolating")}:\n  {string.Join("\n  ", Steps.Select(step => $"{step}"))}\n";

    // Fewer steps first: halves, then all but one; then simpler settings.
    private static IEnumerable<Story> Shrink(Story story)
    {
        Step[] steps = story.Steps;
        for (int length = steps.Length / 2; length > 0; length /= 2)
        {
            for (int start = 0; start + length <= steps.Length; start += length)
            {
                yield return story with { Steps = [.. steps[..start], .. steps[(start + length)..]] };
            }
        }

        if (story.Driver != Driver.Pool)
        {
            yield return story with { Driver = Driver.Pool };
        }

        for (int i = 0; i < steps.Length; i++)
        {
            Step? simpler = steps[i] switch
            {
                Step.Submit { Poison: true } submit => submit with { Poison = false },
                Step.Submit { Cancellable: true } submit => submit with { Cancellable = false },
                Step.Submit { Form: not SubmitForm.Copy } submit => submit with { Form = SubmitForm.Copy },
                Step.Run { Throws: true } run => run with { Throws = false },
                _ => null,
            };
            if (simpler is not null)
            {
                yield return story with { Steps = [.. steps[..i], simpler, .. steps[(i + 1)..]] };
            }
        }
    }
}

public enum Driver
{
    Pool,
    Thread,
    InlineThread,
}
