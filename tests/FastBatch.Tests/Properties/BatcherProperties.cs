using FsCheck;
using FsCheck.Fluent;

namespace FastBatch.Tests.Properties;

/// <summary>Whatever is done to a batcher, in whatever order, it does what a simple reference does.</summary>
public class BatcherProperties
{
    private const int Stories = 400;

    [Fact]
    public void A_batcher_does_what_the_reference_does() =>
        Prop.ForAll(Story.Any, (Action<Story>)Rehearsal.Perform).Check(Config.QuickThrowOnFailure.WithMaxTest(Stories).WithEndSize(60));
}
