using FastBatch.Hosting.Configuration;
using Microsoft.Extensions.Logging;

namespace FastBatch.Hosting.Lifetime;

/// <summary>
/// Gives a batcher new options while it serves. What cannot change is the batcher's to say: a setting it refuses is logged and stays what it
/// is, and the others are taken.
/// </summary>
internal sealed class BatcherReload(BatcherSectionReader reader, ILogger logger)
{
    private readonly Lock _gate = new();

    public void Apply(HostedBatcher hosted, BatcherOptions wanted)
    {
        lock (_gate)
        {
            BatcherOptions current = hosted.Batcher.Options;
            while (wanted != current)
            {
                try
                {
                    hosted.Batcher.Reconfigure(wanted);
                    Log.Reloaded(logger, hosted.Name);
                    return;
                }
                catch (ArgumentException exception) when (BatcherSetting.Find(exception.ParamName) is { } setting)
                {
                    Log.SettingRefused(logger, reader.Describe(hosted.Registration, setting.Name), exception.Message);
                    BatcherOptions without = setting.Copy(current, wanted);
                    if (without == wanted)
                    {
                        // Refused for what another setting is: there is nothing that could be left out.
                        return;
                    }

                    wanted = without;
                }
            }
        }
    }
}
