using System.Reflection;
using FastBatch.Completion;
using FastBatch.Generators.Emitting;
using FastBatch.Generators.Parsing;
using FastBatch.Generators.Tests.Harness;
using FastBatch.Lanes;
using FastBatch.Native;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Tests;

/// <summary>What the generator, which references nothing of the runtime, knows about it all the same.</summary>
public class ContractTests
{
    [Theory]
    [InlineData(typeof(OutputSlab))]
    [InlineData(typeof(PendingRequest))]
    [InlineData(typeof(PendingRequest<>))]
    public void Members_that_generated_properties_must_not_hide_are_listed(Type type)
    {
        string[] listed = [.. BatcherNames.MembersOfObject, .. BatcherNames.MembersOfRuntime];
        Assert.Empty(Visible(type).Except(listed));
    }

    [Theory]
    [InlineData("void Score([Row(3)] ReadOnlySpan<int> x, [Row(2)] Span<int> y)", " { }", "CreateOutputs", "Run")]
    [InlineData("void Score(ReadOnlySpan<int> x, Span<int> y)", " { }", "CreateOutputs", "Run")]
    [InlineData("FastBatch.Native.TorchTensor Score([Row] FastBatch.Native.TorchTensor x)", " => x;", "CreateOutputs", "get_TakesTensors", "Run", "TakesTensors")]
    [InlineData("torch.Tensor Score([Row] torch.Tensor x, [Row] torch.Tensor y)", " => x;", "CreateOutputs", "get_TakesTensors", "OnClosed", "Run", "TakesTensors")]
    public void A_batcher_overrides_what_it_is_to_and_hides_nothing(string method, string body, params string[] overridden)
    {
        string results = method.StartsWith("void", StringComparison.Ordinal) ? "" : "[return: Row] ";
        UserProject.Generate(
            UserProject.CompileWithTorchSharp($"partial class Model {{ [Batchable] {results}{method}{body} }}"), out Compilation output);
        INamedTypeSymbol batcher = output.GetTypeByMetadataName("Model+ScoreBatcher")!;
        ISymbol[] members = [.. batcher.GetMembers().Where(static member => member is not IMethodSymbol { MethodKind: MethodKind.Constructor })];
        Assert.Equal(overridden, members.Where(static member => member.IsOverride).Select(static member => member.Name).Order());
        Assert.Empty(members.Where(static member => !member.IsOverride).Select(static member => member.Name).Intersect(Visible(typeof(Batcher))));
    }

    [Fact]
    public void Defaults_are_those_of_the_attribute()
    {
        string source = UserProject.Generate(
            UserProject.Compile("partial class Model { [Batchable] void Score(ReadOnlySpan<int> x, Span<int> y) { } }"), out _).Sources().Values.Single();
        var attribute = new BatchableAttribute();
        foreach (string setting in (string[])
        [
            $"maxBatchSize: {attribute.MaxBatchSize},",
            $"maxQueueDelayMicroseconds: {attribute.MaxQueueDelayMicroseconds},",
            $"deadlineMicroseconds: {attribute.DeadlineMicroseconds})",
        ])
        {
            Assert.Contains(setting, source, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_attribute_is_found_by_its_name() =>
        Assert.Equal(BatchableGenerator.AttributeName, typeof(BatchableAttribute).FullName);

    [Fact]
    public void Hosting_is_found_by_its_name() => Assert.Equal(HostingFacts.Assembly, typeof(FastBatch.Hosting.FastBatchBuilder).Assembly.GetName().Name);

    [Fact]
    public void Native_tensors_are_found_by_their_name() => Assert.Equal(
        typeof(TorchTensor).FullName, TensorType.Native.FullName);

    [Fact]
    public void TorchSharp_tensors_are_found_by_their_name() => Assert.NotNull(
        UserProject.CompileWithTorchSharp("").GetTypeByMetadataName(TensorType.TorchSharp.FullName));

    [Fact]
    public void Native_tensors_have_the_elements_that_they_are_said_to_have() => Assert.Equal(
        Enum.GetNames<TorchElementType>().Order(), TensorType.Native.Elements.Order());

    // Friends of the runtime see its internal members, too.
    private static IEnumerable<string> Visible(Type type) => type
        .GetMembers(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        .Where(static member => member is not (ConstructorInfo or Type) && !IsPrivate(member) && !member.Name.Contains('.', StringComparison.Ordinal))
        .Select(static member => member is MethodInfo { IsSpecialName: true } ? member.Name[4..] : member.Name)
        .Distinct();

    private static bool IsPrivate(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPrivate,
        FieldInfo field => field.IsPrivate,
        PropertyInfo property => property.GetAccessors(nonPublic: true).All(static accessor => accessor.IsPrivate),
        _ => false,
    };
}
