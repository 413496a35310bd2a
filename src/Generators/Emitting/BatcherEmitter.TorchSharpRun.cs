using System.Collections.Generic;
using System.Linq;
using FastBatch.Generators.Specs;

namespace FastBatch.Generators.Emitting;

/// <summary>
/// The call of a method over TorchSharp's tensors: like that of one over FastBatch.Native's, but for what TorchSharp leaves to its users,
/// which <see cref="TorchSharpGlue"/> has for all batchers.
/// </summary>
internal sealed partial class BatcherEmitter
{
    private void EmitTorchSharpConstruction()
    {
        if (_method.Glue is not { } glue)
        {
            return;
        }

        if (_method.IsModule)
        {
            _writer.Open($"foreach ({_method.TargetType} module in {_names.Models})");
            _writer.Line("((global::TorchSharp.torch.nn.Module)module).eval();");
            _writer.Close();
            _writer.Line();
        }

        foreach (NamedParameter input in _names.Inputs)
        {
            _writer.Line($"{input.Tensors} = new global::{glue.Namespace}.TorchSharpRows<{input.Element}>(options?.Devices);");
        }
    }

    private void EmitTorchSharpRun(string method)
    {
        const string Tensor = "global::TorchSharp.torch.Tensor";
        string glue = $"global::{_method.Glue!.Namespace}.";

        // The tensors are called as callers know them, unless that is taken here, or means that nobody wants it.
        var locals = new NameScope(["batch", "outputs", "inference", "_", _names.Models, .. Fields]);
        string[] inputs = [.. _names.Inputs.Select(input => Identifiers.Escape(locals.Fresh(input.Name)))];
        string[] results = [.. _names.AllOutputs.Select(output => Identifiers.Escape(locals.Fresh(output.Name)))];

        _writer.Line();
        if (_method.IsModule)
        {
            _writer.Line("// Whoever has trained it meanwhile must not change what callers get.");
            _writer.Open($"if ({Module}.training)");
            _writer.Line($"{Module}.eval();");
            _writer.Close();
            _writer.Line();
        }

        _writer.Line("// The inputs are the rows themselves, under tensors that are kept from batch to batch.");
        for (int i = 0; i < inputs.Length; i++)
        {
            NamedParameter input = _names.Inputs[i];
            _writer.Line($"using {glue}TorchSharpRows<{input.Element}>.Loan {inputs[i]} = {input.Tensors}.Borrow(");
            _writer.List(["batch", $"{input.Field}.Rows(batch)", Layout(input)], ");");
        }

        _writer.Line($"using {glue}TorchSharpInference inference = {glue}TorchSharpInference.Enter();");
        foreach (string result in results)
        {
            _writer.Line($"{Tensor}? {result} = null;");
        }

        _writer.Open("try");
        _writer.Line($"{(results.Length == 1 ? results[0] : $"({string.Join(", ", results)})")} = {method}(");
        _writer.List([.. inputs.Select(static input => $"{input}.Tensor")], ");");
        for (int i = 0; i < results.Length; i++)
        {
            NamedParameter output = _names.AllOutputs[i];
            string name = $"\"{_method.BatcherName}: {output.Name}\"";
            _writer.Line($"{glue}TorchSharpResults.Copy(batch, {results[i]}, outputs.{output.Member}.Rows(batch), {Layout(output)}, {name});");
        }

        _writer.Close();
        _writer.Open("catch");
        foreach (string input in inputs)
        {
            _writer.Line($"{input}.SpoilIfWritten(batch);");
        }

        _writer.Line("throw;");
        _writer.Close();
        _writer.Open("finally");
        string lent = string.Join(", ", inputs.Select(static input => $"{input}.Tensor"));
        _writer.Line($"{glue}TorchSharpResults.Dispose([{string.Join(", ", results)}], [{lent}]);");
        _writer.Close();
    }

    private void EmitOnClosed()
    {
        if (_method.Glue is null)
        {
            return;
        }

        _writer.Line();
        _writer.Open("""
            /// <inheritdoc/>
            protected override void OnClosed()
            """);
        foreach (NamedParameter input in _names.Inputs)
        {
            _writer.Line($"{input.Tensors}.Dispose();");
        }

        _writer.Close();
    }

    // Without the members that the user's class may hide.
    private string Module => $"((global::TorchSharp.torch.nn.Module){_names.Models}[batch.DeviceNumber])";

    private IEnumerable<string> Fields => _names.Inputs.SelectMany(static input => (string[])[input.Field, input.Tensors]);

    // The shape of the whole batch and the strides over its rows, which lie one after the other: "[3, batch.Count], [1, 3]".
    private static string Layout(NamedParameter parameter)
    {
        ParameterSpec spec = parameter.Spec;
        var strides = new List<string>();
        int stride = 1;
        foreach (int dimension in spec.Row.Reverse())
        {
            strides.Insert(0, RowText.Number(stride));
            stride *= dimension;
        }

        strides.Insert(spec.BatchDim, RowText.Number(stride));
        return $"{Lengths(spec)}, [{string.Join(", ", strides)}]";
    }
}
