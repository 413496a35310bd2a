using System.Linq;

namespace FastBatch.Generators.Emitting;

/// <summary>The call of a method over FastBatch.Native's tensors, which reads its inputs where they lie and returns its outputs.</summary>
internal sealed partial class BatcherEmitter
{
    private void EmitNativeTensorsRun(string method)
    {
        const string Tensor = "global::FastBatch.Native.TorchTensor";
        const string Scope = "global::FastBatch.Native.TorchScope";

        // What the method returns is called as callers know it, unless that is taken here, or means that nobody wants it.
        var locals = new NameScope(["batch", "outputs", "scope", "_"]);
        string[] results = [.. _names.AllOutputs.Select(output => Identifiers.Escape(locals.Fresh(output.Name)))];

        _writer.Line();
        _writer.Line("// The tensors that are made here, and by the method, end with the scope. The inputs are the rows themselves.");
        _writer.Line($"using {Scope} scope = {Scope}.Enter(batch);");
        _writer.Line($"{(results.Length == 1 ? $"{Tensor} {results[0]}" : $"var ({string.Join(", ", results)})")} = {method}(");
        _writer.List([.. _names.Inputs.Select(Borrow)], ");");
        for (int i = 0; i < results.Length; i++)
        {
            NamedParameter output = _names.AllOutputs[i];
            _writer.Line($"scope.Write<{output.Element}>({results[i]}, outputs.{output.Member}.Rows(batch), {Shape(output)});");
        }
    }

    private static string Borrow(NamedParameter input) => $"scope.Borrow<{input.Element}>({input.Field}.Rows(batch), {Shape(input)})";

    private static string Shape(NamedParameter parameter) =>
        Lengths(parameter.Spec) + (parameter.Spec.BatchDim == 0 ? "" : $", batchDim: {RowText.Number(parameter.Spec.BatchDim)}");
}
