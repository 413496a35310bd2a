using System.Runtime.CompilerServices;

namespace FastBatch.TorchSharp.Tests;

internal static class Setup
{
    // FastBatch.Native first, and TorchSharp second: the order in which there could be two libtorchs. The sample has the other order.
    [ModuleInitializer]
    internal static void LoadNative() => Assert.True(Torch.IsAvailable, Torch.UnavailableReason);
}
